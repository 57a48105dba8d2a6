#!/usr/bin/env node
// npm create mcp-session-broker: the set-up of the package of the same name, under the name that `npm create` looks for.
import 'mcp-session-broker/setup'
