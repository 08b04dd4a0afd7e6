// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.itest;

import static com.tngtech.archunit.lang.conditions.ArchPredicates.are;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.methods;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaMethod;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.lang.ArchCondition;
import com.tngtech.archunit.lang.ConditionEvents;
import com.tngtech.archunit.lang.SimpleConditionEvent;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.NullMarked;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The house's rules, held against the classes of all modules. */
class FloorsTest {

  private static final String ROOT = "dev.fairlead.";

  /** The floor which may name no transport and no hypervisor. */
  private static final int NEUTRAL = 4;

  private static final Pattern A_TRANSPORT_OR_HYPERVISOR =
      Pattern.compile("(?i)\\bj?nats\\b|\\bmqtt|mosquitto|\\bpaho\\b|vsock|\\bqemu|\\bqmp\\b");

  /** Reads environment variables whose names others fixed long ago: MANAGER_QEMU_ and the like. */
  private static final Path FOREIGN_NAMES =
      Path.of("dev/fairlead/manager/ManagerEnvironment.class");

  /** Says one last word on the guest's console when the agent dies, whoever logs then. */
  private static final String LAST_WORD = "dev.fairlead.agent.component.AgentComponent";

  /** Where standard output is the product. */
  private static final Set<String> COMMANDS =
      Set.of("runtime", "launcher", "agent-image", "conformance", "roundtrip");

  private static JavaClasses all;
  private static Map<String, Reactor.Module> modules;

  @BeforeAll
  static void importClasses() {
    modules = new TreeMap<>();
    List<Path> classes = new ArrayList<>();
    for (Reactor.Module module : Reactor.modules()) {
      if (!module.isLibrary()) {
        modules.put(module.name(), module);
        assertThat(module.classes())
            .as("%s is built: make it a dependency in itest/pom.xml", module)
            .isDirectory();
        classes.add(module.classes());
      }
    }
    all = new ClassFileImporter().importPaths(classes);
  }

  @Test
  void eachModuleHasItsFloor() {
    assertThat(Reactor.floors().keySet())
        .as("modules in the table of floors of docs/architecture.md")
        .containsAll(modules.keySet());
  }

  @Test
  void moduleUsesOnlyWhatLiesBelow() {
    Map<String, Integer> floors = Reactor.floors();
    Set<String> wrong = new TreeSet<>();
    for (JavaClass type : all) {
      String user = moduleOf(type);
      type.getDirectDependenciesFromSelf().stream()
          .map(dependency -> dependency.getTargetClass().getBaseComponentType())
          .filter(used -> used.getName().startsWith(ROOT) && all.contain(used.getName()))
          .forEach(
              used -> {
                String module = moduleOf(used);
                if (!module.equals(user)
                    && floors.getOrDefault(module, 9) >= floors.getOrDefault(user, 0)) {
                  wrong.add(
                      "%s (%s) uses %s (%s)"
                          .formatted(type.getName(), user, used.getName(), module));
                }
              });
    }
    assertThat(wrong).isEmpty();
  }

  @Test
  void neutralFloorNamesNoTransportAndNoHypervisor() throws IOException {
    Map<String, Integer> floors = Reactor.floors();
    Set<String> wrong = new TreeSet<>();
    for (Reactor.Module module : modules.values()) {
      if (floors.getOrDefault(module.name(), 0) == NEUTRAL) {
        for (Path file : filesUnder(module.classes())) {
          if (module.classes().relativize(file).equals(FOREIGN_NAMES)) {
            continue;
          }
          // A class file holds names and literals as they are; in Latin-1 every byte is a letter.
          Matcher matcher = A_TRANSPORT_OR_HYPERVISOR.matcher(Files.readString(file, ISO_8859_1));
          if (matcher.find()) {
            wrong.add(
                module + ": " + module.classes().relativize(file) + " says " + matcher.group());
          }
        }
      }
    }
    assertThat(wrong).isEmpty();
  }

  private static List<Path> filesUnder(Path folder) throws IOException {
    try (Stream<Path> files = Files.walk(folder)) {
      return files.filter(file -> file.toString().endsWith(".class")).toList();
    }
  }

  @Test
  void packageBelongsToOneModule() {
    Map<String, Set<String>> owners = new TreeMap<>();
    for (JavaClass type : all) {
      owners.computeIfAbsent(type.getPackageName(), name -> new TreeSet<>()).add(moduleOf(type));
    }
    owners.values().removeIf(names -> names.size() == 1);
    assertThat(owners).as("packages in several modules").isEmpty();
  }

  @Test
  void packagesAreNullMarked() {
    Set<String> unmarked = new TreeSet<>();
    for (JavaClass type : all) {
      if (!isGenerated(type) && !type.getPackage().isAnnotatedWith(NullMarked.class)) {
        unmarked.add(type.getPackageName());
      }
    }
    assertThat(unmarked).as("packages without @NullMarked").isEmpty();
  }

  @Test
  void onlyCommandsPrint() {
    noClasses()
        .that(are(notIn(COMMANDS)))
        .should()
        .accessField(System.class, "out")
        .orShould()
        .accessField(System.class, "err")
        .because("the product logs through System.Logger")
        .allowEmptyShould(true)
        .check(all);
  }

  @Test
  void publicMethodsThrowNothingGeneric() {
    methods()
        .that()
        .haveModifier(JavaModifier.PUBLIC)
        .and(areOurs())
        .should(throwNothingGeneric())
        .check(all);
  }

  @Test
  void componentsAreNamedAsSuch() {
    classes()
        .that()
        .haveSimpleNameEndingWith("Component")
        .should()
        .notBeInterfaces()
        .andShould()
        .haveModifier(JavaModifier.FINAL)
        .because("a component is a thin shell over a plain class")
        .allowEmptyShould(true)
        .check(all);
  }

  private static ArchCondition<JavaMethod> throwNothingGeneric() {
    return new ArchCondition<>("declare neither Exception nor Throwable") {
      @Override
      public void check(JavaMethod method, ConditionEvents events) {
        method.getThrowsClause().getTypes().stream()
            .filter(
                thrown ->
                    thrown.isEquivalentTo(Exception.class)
                        || thrown.isEquivalentTo(Throwable.class))
            .forEach(
                thrown ->
                    events.add(
                        SimpleConditionEvent.violated(
                            method, method.getFullName() + " throws " + thrown.getName())));
      }
    };
  }

  private static DescribedPredicate<JavaMethod> areOurs() {
    return DescribedPredicate.describe(
        "are written by us",
        method ->
            !isGenerated(method.getOwner())
                && !method.getModifiers().contains(JavaModifier.SYNTHETIC));
  }

  private static DescribedPredicate<JavaClass> notIn(Set<String> names) {
    return DescribedPredicate.describe(
        "not in " + names,
        type ->
            !isGenerated(type)
                && !type.getName().equals(LAST_WORD)
                && !names.contains(moduleOf(type)));
  }

  /** Generated by protoc, or of someone else and embedded. */
  private static boolean isGenerated(JavaClass type) {
    return !type.getPackageName().startsWith("dev.fairlead")
        || type.getAllRawSuperclasses().stream()
            .anyMatch(parent -> parent.getName().startsWith("com.google.protobuf."))
        || type.isAnnotatedWith("io.grpc.stub.annotations.GrpcGenerated")
        || type.getPackageName().endsWith(".proto");
  }

  /** The module from whose folder a class was read. */
  private static String moduleOf(JavaClass type) {
    String file = type.getSource().orElseThrow().getUri().getPath();
    return modules.values().stream()
        .filter(module -> file.startsWith(module.classes() + "/"))
        .findFirst()
        .orElseThrow(() -> new AssertionError(file + " is in no module"))
        .name();
  }
}
