// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.itest;

import java.lang.annotation.Annotation;
import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.ops4j.pax.exam.util.Injector;
import org.osgi.framework.BundleContext;
import org.osgi.framework.ServiceReference;

/** The half of {@link PaxExamExtension} that runs in the framework. Public: Pax Exam makes it. */
public final class InsideFelix {

  /** Makes one. */
  public InsideFelix() {}

  /** Makes a test object out of the classes in this bundle, injects it, and runs one test. */
  public void call(BundleContext context, String className, String methodName) throws Throwable {
    Class<?> type = context.getBundle().loadClass(className);
    List<Method> named = new ArrayList<>(methods(type, Test.class));
    named.removeIf(method -> !method.getName().equals(methodName));
    if (named.isEmpty()) {
      throw new NoSuchMethodException(className + " has no test " + methodName);
    }
    Constructor<?> constructor = type.getDeclaredConstructor();
    constructor.setAccessible(true);
    Object test = constructor.newInstance();
    ServiceReference<Injector> injector =
        Objects.requireNonNull(context.getServiceReference(Injector.class), "no injector");
    Objects.requireNonNull(context.getService(injector), "no injector").injectFields(test);
    try {
      runAll(type, test, BeforeEach.class);
      for (Method method : named) {
        run(method, test);
      }
    } finally {
      runAll(type, test, AfterEach.class);
    }
  }

  private static void runAll(Class<?> type, Object test, Class<? extends Annotation> marked)
      throws Throwable {
    for (Method method : methods(type, marked)) {
      run(method, test);
    }
  }

  /** The methods of a class, and of those that it extends, that are marked. */
  static List<Method> methods(Class<?> type, Class<? extends Annotation> marked) {
    List<Method> found = new ArrayList<>();
    for (Class<?> each = type; each != null; each = each.getSuperclass()) {
      for (Method method : each.getDeclaredMethods()) {
        if (method.isAnnotationPresent(marked)) {
          found.add(method);
        }
      }
    }
    return found;
  }

  private static void run(Method method, Object test) throws Throwable {
    method.setAccessible(true);
    try {
      method.invoke(test);
    } catch (InvocationTargetException e) {
      throw Objects.requireNonNullElse(e.getCause(), e);
    }
  }
}
