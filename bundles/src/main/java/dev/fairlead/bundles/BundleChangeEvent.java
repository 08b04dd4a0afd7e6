// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bundles;

import jdk.jfr.Category;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;

/** A bundle is changed, or is not: from the request to the end. */
@Name("dev.fairlead.BundleChange")
@Label("Bundle change")
@Category("Fairlead")
@Description("A newer version of a bundle takes the place of the one that runs")
@StackTrace(false)
final class BundleChangeEvent extends Event {

  @Label("Bundle")
  String bundle = "";

  @Label("From")
  String from = "";

  @Label("To")
  String to = "";

  @Label("Done")
  boolean done;

  @Label("Code")
  @Description("Why it was not done; empty where it was")
  String code = "";

  @Label("Other bundles refreshed")
  int othersRefreshed;
}
