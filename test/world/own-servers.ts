// The MCP servers somebody put behind `npm start`: whether each is there, asked until it is.
import { setTimeout as sleep } from 'node:timers/promises'
import { examineDownstream } from '../../scripts/doctor/downstream.ts'
import type { Downstream } from '../../src/settings/downstreams.ts'

/** A server to try, where the environment says which port it listens at. */
export function exampleServer(port: string): string {
  return `PORT=${port} npx -y @modelcontextprotocol/server-everything streamableHttp`
}

/** A server that is a program and speaks through its standard input needs somebody in between who listens. */
export function stdioBridge(port: string): string {
  return `npx -y supergateway --stdio "YOUR COMMAND" --outputTransport streamableHttp --stateful --port ${port}`
}

const ASKED_AGAIN_AFTER_MS = 2_000
/** Nobody waits longer for the first screen: a server that is being started answers later. */
const PATIENCE_MS = 3_000

/** What keeps the server from being used, as a sentence; undefined where it answers as an MCP server or refuses strangers. */
export async function whatIsWrongWith(server: Downstream): Promise<string | undefined> {
  const findings = await Promise.race([examineDownstream(server), sleep(PATIENCE_MS, undefined, { ref: false })])
  if (!findings) return `${server.url} has not answered yet`
  const fault = findings.find(({ state }) => state === 'fault')?.says
  return fault === undefined || fault.startsWith(server.url) ? fault : `${server.url} ${fault}`
}

/** Asks a server that did not answer again and again, says what has changed, and ends when it answers. */
export async function untilItAnswers(server: Downstream, wrongAtFirst: string, say: (line: string) => void): Promise<void> {
  let before = wrongAtFirst
  for (;;) {
    await sleep(ASKED_AGAIN_AFTER_MS, undefined, { ref: false })
    const wrong = await whatIsWrongWith(server)
    if (wrong === undefined) break
    if (wrong !== before) say(wrong)
    before = wrong
  }
  say(`${server.url} answers now.`)
}
