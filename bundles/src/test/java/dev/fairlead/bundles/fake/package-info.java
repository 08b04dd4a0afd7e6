// SPDX-License-Identifier: Apache-2.0
/** What lies in the bundles that tests make. */
@NullMarked
package dev.fairlead.bundles.fake;

import org.jspecify.annotations.NullMarked;
