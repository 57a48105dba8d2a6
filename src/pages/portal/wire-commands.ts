// A recorded request as a command for a terminal: for curl, and for MCP Inspector; the token is a variable, and so is what was not kept.
//
// Everything that is not ours stands in single quotes, where a shell reads nothing. The page's script puts in what the sealed message says.

export interface RecordedRequest {
  readonly era: string
  readonly verb: string
  readonly method?: string | undefined
  readonly about?: string | undefined
}

export interface Command {
  /** Up to where the message's own text begins. */
  readonly head: string
  /** Without the sealed message: as much of it as is known. */
  readonly known: string
}

/** `url` is that of the server as clients know it; undefined where its grant is gone. */
export function curlOf({ era, verb, method, about }: RecordedRequest, url: string | undefined): Command {
  const isModern = era === 'modern'
  const headers = [
    ...(verb === 'POST' ? ['Content-Type: application/json'] : []),
    `Accept: ${verb === 'GET' ? 'text/event-stream' : 'application/json, text/event-stream'}`,
    `MCP-Protocol-Version: ${isModern ? '2026-07-28' : '2025-11-25'}`,
    ...(isModern && method !== undefined ? [`Mcp-Method: ${method}`] : []),
    ...(isModern && about !== undefined ? [`Mcp-Name: ${about}`] : []),
  ]
  const session = isModern ? '' : ' -H "Mcp-Session-Id: $MCP_SESSION_ID"'
  const said = headers.map((header) => ` -H ${quoted(header)}`).join('')
  const head = `curl -N -X ${quoted(verb)} ${address(url)} -H "Authorization: Bearer $TOKEN"${said}${session}`
  if (verb !== 'POST' || method === undefined) return { head, known: '' }
  const params = about === undefined ? {} : method === 'resources/read' ? { uri: about } : { name: about, arguments: {} }
  return { head: `${head} --data-raw `, known: quoted(JSON.stringify({ jsonrpc: '2.0', id: 1, method, params })) }
}

/** Undefined where the Inspector has no such method in the terminal. */
export function inspectorOf({ era, method, about }: RecordedRequest, url: string | undefined): Command | undefined {
  const option = method === undefined ? undefined : NAMED[method]
  if (method === undefined || option === undefined) return undefined
  const name = option === '' || about === undefined ? '' : ` ${option} ${quoted(about)}`
  const protocol = era === 'modern' ? 'modern' : 'legacy'
  const where = `npx @modelcontextprotocol/inspector --cli ${address(url)} --protocol-era ${protocol}`
  return { head: `${where} --header "Authorization: Bearer $TOKEN" --method ${quoted(method)}${name}`, known: '' }
}

/** By which option the Inspector is told the name of what is meant. */
const NAMED: Readonly<Record<string, string>> = {
  'tools/call': '--tool-name',
  'tools/list': '',
  'resources/list': '',
  'resources/read': '--uri',
  'resources/templates/list': '',
  'prompts/list': '',
  'prompts/get': '--prompt-name',
}

function address(url: string | undefined): string {
  return url === undefined ? '"$MCP_URL"' : quoted(url)
}

/** One word for a POSIX shell, whatever is in it; what steers a terminal is left out. */
function quoted(text: string): string {
  return `'${text.replaceAll(/\p{Cc}|\p{Cf}/gu, '').replaceAll("'", String.raw`'\''`)}'`
}
