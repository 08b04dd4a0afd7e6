// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.itest;

import static org.ops4j.pax.exam.CoreOptions.bundle;
import static org.ops4j.pax.exam.CoreOptions.composite;
import static org.ops4j.pax.exam.CoreOptions.options;

import java.lang.reflect.Method;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.InvocationInterceptor;
import org.junit.jupiter.api.extension.ReflectiveInvocationContext;
import org.ops4j.pax.exam.ExamSystem;
import org.ops4j.pax.exam.Option;
import org.ops4j.pax.exam.TestAddress;
import org.ops4j.pax.exam.TestContainer;
import org.ops4j.pax.exam.TestProbeBuilder;
import org.ops4j.pax.exam.spi.PaxExamRuntime;

/**
 * What {@link InFelix} does: one framework per class, with a bundle made of the class's package.
 */
final class PaxExamExtension implements BeforeAllCallback, AfterAllCallback, InvocationInterceptor {

  private static final List<String> SERVICES =
      List.of(
          "org.osgi.util.function",
          "org.osgi.util.promise",
          "org.osgi.service.component",
          "org.apache.felix.configadmin",
          "org.apache.felix.scr");

  private final Map<String, TestAddress> addresses = new HashMap<>();
  private @Nullable ExamSystem system;
  private @Nullable TestContainer felix;

  @Override
  public void beforeAll(ExtensionContext context) throws Exception {
    Class<?> type = context.getRequiredTestClass();
    InFelix wanted =
        Objects.requireNonNull(type.getAnnotation(InFelix.class), type + " is not @InFelix");
    List<Option> installed = new ArrayList<>();
    for (Path jar : Bundles.testLibraries()) {
      installed.add(bundle(jar.toUri().toString()));
    }
    for (String name : SERVICES) {
      installed.add(bundle(Bundles.thirdParty(name).toUri().toString()));
    }
    for (String name : wanted.value()) {
      installed.add(bundle(Bundles.named(name).toUri().toString()));
    }
    ExamSystem exam =
        PaxExamRuntime.createTestSystem(options(composite(installed.toArray(new Option[0]))));
    system = exam;
    TestProbeBuilder probe = exam.createProbe();
    for (Method method : InsideFelix.methods(type, Test.class)) {
      addresses.put(
          method.getName(),
          probe.addTest(InsideFelix.class, "call", type.getName(), method.getName()));
    }
    TestContainer container = PaxExamRuntime.createContainer(exam);
    felix = container;
    container.start();
    container.installProbe(probe.build().getStream());
  }

  @Override
  public void interceptBeforeEachMethod(
      Invocation<@Nullable Void> invocation,
      ReflectiveInvocationContext<Method> method,
      ExtensionContext context) {
    invocation.skip();
  }

  @Override
  public void interceptAfterEachMethod(
      Invocation<@Nullable Void> invocation,
      ReflectiveInvocationContext<Method> method,
      ExtensionContext context) {
    invocation.skip();
  }

  @Override
  public void interceptTestMethod(
      Invocation<@Nullable Void> invocation,
      ReflectiveInvocationContext<Method> method,
      ExtensionContext context)
      throws Throwable {
    invocation.skip();
    TestContainer container = Objects.requireNonNull(felix, "Felix did not start");
    try {
      container.call(
          Objects.requireNonNull(addresses.get(method.getExecutable().getName()), "no address"));
    } catch (Exception e) {
      throw cause(e);
    }
  }

  /** What the test threw, out of the wrappers of all who passed it on. */
  private static Throwable cause(Throwable thrown) {
    Throwable cause = thrown;
    while (!(cause instanceof AssertionError) && cause.getCause() != null) {
      cause = cause.getCause();
    }
    return cause;
  }

  @Override
  public void afterAll(ExtensionContext context) {
    try {
      if (felix != null) {
        felix.stop();
      }
    } finally {
      if (system != null) {
        system.clear();
      }
    }
  }
}
