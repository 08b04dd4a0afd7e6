#!/bin/busybox sh
# SPDX-License-Identifier: Apache-2.0
# Run by acpid when the power button is pressed: asks the agent to end; init.sh does the rest. An
# agent that does not listen has ten seconds.
echo > /run/fairlead/powerdown
kill -TERM "$(cat /run/fairlead/agent.pid)" || poweroff -f
sleep 10
poweroff -f
