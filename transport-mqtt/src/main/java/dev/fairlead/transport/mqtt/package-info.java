// SPDX-License-Identifier: Apache-2.0
/** The MQTT transport's client side: Eclipse Paho, with a remedy for each of its traps. */
@NullMarked
package dev.fairlead.transport.mqtt;

import org.jspecify.annotations.NullMarked;
