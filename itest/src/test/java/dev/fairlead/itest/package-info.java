// SPDX-License-Identifier: Apache-2.0
/** Tests of the whole house. */
@NullMarked
package dev.fairlead.itest;

import org.jspecify.annotations.NullMarked;
