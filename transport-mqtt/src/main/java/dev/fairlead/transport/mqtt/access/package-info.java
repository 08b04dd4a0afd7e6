// SPDX-License-Identifier: Apache-2.0
/** The access side of the MQTT transport: the broker, and who may do what on it. */
@NullMarked
package dev.fairlead.transport.mqtt.access;

import org.jspecify.annotations.NullMarked;
