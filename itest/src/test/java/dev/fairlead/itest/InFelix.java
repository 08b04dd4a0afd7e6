// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.itest;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * The tests of the class run inside a real Felix with Declarative Services and Configuration Admin.
 * Fields that are {@code @Inject} get the bundle context and services. A test is a method of the
 * class or of one that it extends, without parameters; {@code @BeforeEach} and {@code @AfterEach}
 * are called inside too, {@code @BeforeAll} and {@code @AfterAll} outside.
 */
@Target(ElementType.TYPE)
@Retention(RetentionPolicy.RUNTIME)
@ExtendWith(PaxExamExtension.class)
@interface InFelix {

  /** The bundles, by artifactId: of this build, or of those that itest/pom.xml copies. */
  String[] value();
}
