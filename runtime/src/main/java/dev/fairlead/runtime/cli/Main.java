// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.runtime.cli;

import dev.fairlead.agent.grpc.AgentClientException;
import dev.fairlead.http.HttpProblem;
import dev.fairlead.protocol.json.ProtocolException;
import java.io.IOException;
import java.util.logging.Level;
import java.util.logging.Logger;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** The {@code fairlead} command. */
@Command(
    name = "fairlead",
    description = "Runs computations in confidential VMs and guides what they say.",
    mixinStandardHelpOptions = true,
    version = "fairlead 0.1.0",
    subcommands = {
      DemoCommand.class,
      UpCommand.class,
      RunCommand.class,
      PsCommand.class,
      LogsCommand.class,
      EventsCommand.class,
      ResultCommand.class,
      StopCommand.class,
      RestartCommand.class,
      MigrateCommand.class,
      SwapCommand.class,
      BundlesCommand.class,
      DoctorCommand.class,
      DeploymentsCommand.class,
      ImageCommand.class,
      BenchCommand.class,
      ChaosCommand.class,
      TckCommand.class,
    },
    footer = {
      "",
      "  test         Build everything and run all tests (see: fairlead test --help).",
    },
    exitCodeListHeading = "%nExit status:%n",
    exitCodeList = {
      " 0:done",
      " 1:tried and failed: a computation, a check, a verification",
      " 2:the words of the command are off",
      "66:what was named is not there",
      "69:this machine lacks something; the command that installs it was printed",
      "70:a fault in Fairlead itself",
      "75:it may work later: a service does not answer",
      "130:ended by Ctrl-C",
    })
public final class Main implements Runnable {

  @Spec private CommandSpec spec = CommandSpec.create();

  /** Made by picocli. */
  Main() {}

  /** The entry. */
  public static void main(String[] args) {
    System.exit(execute(args));
  }

  /** Runs one command and returns its exit status. */
  static int execute(String... args) {
    CommandLine line = new CommandLine(new Main());
    line.setExecutionExceptionHandler((e, command, parsed) -> explain(e, command));
    line.setUsageHelpAutoWidth(true);
    return line.execute(args);
  }

  /** Without a subcommand there is nothing to do but to say what there is. */
  @Override
  public void run() {
    throw new CommandLine.ParameterException(spec.commandLine(), "Name a command.");
  }

  private static int explain(Exception e, CommandLine command) {
    if (e instanceof CommandFailure failure) {
      return say(command, failure.exitCode(), failure);
    }
    if (e instanceof HttpProblem problem) {
      int code =
          switch (problem.status()) {
            case 0, 503, 504 -> ExitCode.RETRY;
            case 404 -> ExitCode.NOT_FOUND;
            default -> ExitCode.FAILED;
          };
      return say(command, code, problem);
    }
    if (e instanceof AgentClientException refusal) {
      boolean away = refusal.code().equals("no-connection");
      return say(command, away ? ExitCode.RETRY : ExitCode.FAILED, refusal);
    }
    if (e instanceof IOException || e instanceof ProtocolException) {
      return say(command, ExitCode.FAILED, e);
    }
    Logger.getLogger(Main.class.getName()).log(Level.SEVERE, "This is a fault in Fairlead.", e);
    return ExitCode.FAULT;
  }

  private static int say(CommandLine command, int code, Exception e) {
    command.getErr().println("fairlead: " + e.getMessage());
    return code;
  }
}
