// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.delivery;

import jdk.jfr.Category;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;

/** One transport takes another's place, or fails to: from the wish to the end of the change. */
@Name("dev.fairlead.Swap")
@Label("Transport swap")
@Category("Fairlead")
@Description("A link changes its transport while lines flow")
@StackTrace(false)
final class SwapEvent extends Event {

  @Label("From")
  String from = "";

  @Label("To")
  String to = "";

  @Label("Done")
  boolean done;

  @Label("Code")
  @Description("Why it was not done; empty where it was")
  String code = "";
}
