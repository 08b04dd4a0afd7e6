// SPDX-License-Identifier: Apache-2.0
@NullMarked
package dev.fairlead.transport.mqtt.access;

import org.jspecify.annotations.NullMarked;
