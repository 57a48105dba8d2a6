// Event streams as servers, their frameworks and the proxies in front of them cut and spell them, and what a client reads of each.

export interface OddStream {
  readonly name: string
  /** The bytes, in the pieces they are sent in. */
  readonly pieces: readonly Uint8Array[]
  /** The data of every message, in order. */
  readonly read: readonly string[]
}

const SEARCH = '{"name":"search","description":"Ünï✓","annotations":{"readOnlyHint":true}}'
/** What the person may not see. */
export const HIDDEN = 'delete_ticket'
const response = (id: number | string, tools: string): string =>
  `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":{"tools":[${tools}]}}`
const sent = (id: number | string = 1): string => response(id, `${SEARCH},{"name":"${HIDDEN}"}`)
const left = (id: number | string = 1): string => response(id, SEARCH)
const PING = '{"jsonrpc":"2.0","id":1,"method":"ping"}'
const NOTE = '{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"é"}}'

function odd(name: string, text: string | readonly Uint8Array[], read: readonly string[] = [left()]): OddStream {
  return { name, pieces: typeof text === 'string' ? [new TextEncoder().encode(text)] : text, read }
}

function bytewise(text: string): readonly Uint8Array[] {
  return [...new TextEncoder().encode(text)].map((byte) => Uint8Array.of(byte))
}

/** The answers to `tools/list` with the id 1. */
export const ODD_STREAMS: readonly OddStream[] = [
  odd('a byte order mark before it', `\uFEFFdata: ${sent()}\n\n`),
  odd('lines that end in CR alone', `event: message\rdata: ${sent()}\r\r`),
  odd('lines that end in CRLF', `event: message\r\ndata: ${sent()}\r\n\r\n`),
  odd('no space behind the colon', `data:${sent()}\n\n`),
  odd('the JSON over several lines', `data: ${sent().replaceAll(',', ',\ndata: ')}\n\n`, [left().replaceAll(',', ',\n')]),
  odd('pieces that cut each character and each line end', bytewise(`data: ${sent()}\r\n\r\n`)),
  odd('the same event id again and again', `id: 7\ndata: ${NOTE}\n\nid: 7\ndata: ${NOTE}\n\nid: 7\ndata: ${sent()}\n\n`, [
    NOTE,
    NOTE,
    left(),
  ]),
  odd('an event id with NUL in it', `id: a\0b\ndata: ${sent()}\n\n`),
  odd('a type with NUL in it', `event: a\0b\ndata: x\n\ndata: ${sent()}\n\n`, ['x', left()]),
  odd('a retry larger than any number', `retry: 99999999999999999999999\ndata: ${sent()}\n\n`),
  odd('a retry that is none', `retry: 1e3\ndata: ${sent()}\n\n`),
  odd('events with empty data and with none', `data:\n\nevent: message\n\ndata: \n\n: only this\n\ndata: ${sent()}\n\n`),
  odd('comments only, before it', `: a\n:\n\n: b\n\ndata: ${sent()}\n\n`),
  odd('a ping with the same id before it', `data: ${PING}\n\ndata: ${sent()}\n\n`, [PING, left()]),
  odd('the response twice', `data: ${sent()}\n\ndata: ${NOTE}\n\ndata: ${sent()}\n\n`, [left(), NOTE]),
  // Only its client knows the ids it has used.
  odd('a response to somebody else before it', `data: ${sent('other')}\n\ndata: ${sent()}\n\n`, [left('other'), left()]),
  odd(
    'an error of nobody’s before it',
    `data: {"jsonrpc":"2.0","id":null,"error":{"code":-1,"message":"x"}}\n\ndata: ${sent()}\n\n`,
    ['{"jsonrpc":"2.0","id":null,"error":{"code":-1,"message":"x"}}', left()],
  ),
]
