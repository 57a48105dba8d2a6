// What a scripted server of the 2025 revisions says, also to a batch: the name of the tool that is called decides it.
import type { RawHandler } from './raw-downstream.ts'

/** In every result, and in the words of every error. */
export const WORDS = 'canary-5d21e8'

interface Message {
  readonly id?: string | number
  readonly method: string
  readonly params?: { readonly name?: string; readonly protocolVersion?: string }
}

/** What is said about a call, by the name of its tool; undefined: nothing, as long as its connection is open. */
function saidOf({ id, method, params: { name = method, protocolVersion } = {} }: Message): object | undefined {
  const result = { protocolVersion, capabilities: { tools: {} }, serverInfo: { name: 'server', version: '1' } }
  const error = { code: -32_602, message: `${WORDS} is wrong` }
  const content = [{ type: 'text', text: WORDS }]
  if (name === 'never') return undefined
  if (name === 'wrong') return { jsonrpc: '2.0', id, error }
  return {
    jsonrpc: '2.0',
    id,
    result: method === 'initialize' ? result : { content, ...(name === 'fails' && { isError: true }) },
  }
}

/** Answers with JSON, or with events where a tool is called so; of a batch the answers come the other way round. */
export const answerByTool: RawHandler = ({ method }, body, response): void => {
  if (method !== 'POST') return void response.writeHead(405).end()
  const parsed: Message | readonly Message[] = JSON.parse(String(body))
  const asked: readonly Message[] = [parsed].flat()
  if (asked.every(({ id }) => id === undefined)) return void response.writeHead(202).end()
  if (asked.some(({ params }) => params?.name === 'refused')) return void response.writeHead(503).end(WORDS)
  const said = asked.filter(({ id }) => id !== undefined).map(saidOf)
  const answers = said.filter((each) => each !== undefined).toReversed()
  const isEvents = answers.length < said.length || asked.some(({ params }) => params?.name === 'events')
  response.writeHead(200, { 'content-type': isEvents ? 'text/event-stream' : 'application/json' })
  response.flushHeaders()
  const events = answers.map((answer) => `event: message\ndata: ${JSON.stringify(answer)}\n\n`).join('')
  response.write(isEvents ? events : JSON.stringify(Array.isArray(parsed) ? answers : answers[0]))
  if (answers.length === said.length) response.end()
}
