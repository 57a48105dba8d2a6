// What the official program starts as "the client", once per scenario: it hands the address on to the run that holds the broker.
import process from 'node:process'
const { CLIENT_RUN_URL = '', MCP_CONFORMANCE_SCENARIO: scenario, MCP_CONFORMANCE_CONTEXT: context = '{}' } = process.env
const { MCP_CONFORMANCE_PROTOCOL_VERSION: revision } = process.env
const asked = { scenario, serverUrl: process.argv.at(-1), revision, context: JSON.parse(context) }
const answer = await fetch(CLIENT_RUN_URL, { method: 'POST', body: JSON.stringify(asked) })
const said = await answer.text()
if (!answer.ok) process.stderr.write(`${said}\n`)
process.exitCode = answer.ok ? 0 : 1
