// A legacy server that asks something in the middle of a call of a client of 2026-07-28.
import type { Feed } from './feed.ts'
import type { ModernAnswered, ModernClient } from './modern-client.ts'
import type { Call, ScriptedServer } from './scripted-server.ts'

export const ASKABLE = { elicitation: { form: {}, url: {} }, sampling: {}, roots: {} }

const FORM = { message: 'Your name?', requestedSchema: { type: 'object', properties: {} } }

export function question(id: string | number, method = 'elicitation/create', params: object = FORM): object {
  return { jsonrpc: '2.0', id, method, params }
}

export interface Asked {
  readonly asked: ModernAnswered
  readonly state: string
  readonly call: Call
  /** The server's answer to the call, which goes on. */
  readonly feed: Feed
}

/** A call in which the server asks these questions, up to where the client is asked them. */
export async function asked(server: ScriptedServer, by: ModernClient, questions: readonly object[]): Promise<Asked> {
  const calling = server.nextStream()
  const answering = by.call('ask', { a: 1 })
  const { call, feed } = await calling
  for (const one of questions) feed.send(one)
  const answered = await answering
  return { asked: answered, state: String(answered.last.result?.['requestState']), call, feed }
}
