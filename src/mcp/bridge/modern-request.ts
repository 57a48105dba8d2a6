// A request of a client of the older revisions as 2026-07-28 has it: what its session said goes with every request.
import { NAMED_BY } from '../message/header-agreement.ts'
import { MODERN_VERSION, NEWEST_LEGACY_VERSION, OWN_META } from '../message/revision.ts'
import { editJson, memberOf, membersOf, type JsonChange } from './json-edit.ts'
import { headerValue } from './param-headers.ts'

/** What the client has said of itself; JSON, as the modern era has it. */
export interface DeclaredClient {
  /** What was negotiated with it. */
  readonly protocolVersion: string
  readonly capabilities: string
  readonly clientInfo: string
  readonly logLevel: string | undefined
}

/** How a request goes on that needed input. */
export interface NextLeg {
  readonly id: string
  /** JSON; absent where nothing was asked. */
  readonly inputResponses: string | undefined
  /** JSON, as the server gave it; absent where it gave none. */
  readonly requestState: string | undefined
}

/** The client's message as spelled, but for what the era needs. */
export function modernRequest(message: string, client: DeclaredClient, leg?: NextLeg): string {
  return editJson(message, [
    ...(leg ? [{ at: ['id'], to: leg.id }] : []),
    ...metaOf(client),
    // What nobody here has said would be taken for an answer; and tasks of 2025-11-25 are not those of the extension.
    { at: ['params', 'inputResponses'], to: leg?.inputResponses },
    { at: ['params', 'requestState'], to: leg?.requestState },
    { at: ['params', 'task'], to: undefined },
  ])
}

/** A request of the broker's own in the client's name. */
export function ownModernRequest(id: string, method: string, client: DeclaredClient, params = '{}'): string {
  const message = `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"method":${JSON.stringify(method)},"params":${params}}`
  return editJson(message, metaOf(client))
}

function meta(name: string, to: string | undefined): JsonChange {
  return { at: ['params', '_meta', OWN_META + name], to }
}

function metaOf({ capabilities, clientInfo, logLevel }: DeclaredClient): readonly JsonChange[] {
  return [
    meta('protocolVersion', JSON.stringify(MODERN_VERSION)),
    meta('clientInfo', clientInfo),
    meta('clientCapabilities', capabilities),
    meta('logLevel', logLevel === undefined ? undefined : JSON.stringify(logLevel)),
    meta('related-task', undefined),
  ]
}

/** Those that repeat the body; `params` as parsed. */
export function modernHeaders(method: string, params: Readonly<Record<string, unknown>>): Readonly<Record<string, string>> {
  const member = NAMED_BY.get(method)
  const name = member === undefined ? undefined : params[member]
  return {
    'mcp-protocol-version': MODERN_VERSION,
    'mcp-method': headerValue(method),
    ...(typeof name === 'string' && { 'mcp-name': headerValue(name) }),
  }
}

/** Capabilities of a client of 2025-11-25 that mean the same in 2026-07-28; `raw` is what it said, if it did. */
export function clientCapabilities(raw: string | undefined): string {
  const kept = (membersOf(raw ?? '{}') ?? []).flatMap(([name, value]): readonly string[] => {
    if (name === 'roots') return ['"roots":{}']
    if (name === 'extensions') return [`"extensions":${withoutTasks(value)}`]
    return SAME_FOR_CLIENTS.includes(name) ? [`${JSON.stringify(name)}:${value}`] : []
  })
  return `{${kept.join(',')}}`
}

/** The other way round, of a server. */
export function serverCapabilities(raw: string | undefined): string {
  const kept = (membersOf(raw ?? '{}') ?? []).flatMap(([name, value]): readonly string[] => {
    if (name === 'extensions') return [`"extensions":${withoutTasks(value)}`]
    return SAME_FOR_SERVERS.includes(name) ? [`${JSON.stringify(name)}:${value}`] : []
  })
  return `{${kept.join(',')}}`
}

const SAME_FOR_CLIENTS: readonly string[] = ['sampling', 'elicitation', 'experimental']
const SAME_FOR_SERVERS: readonly string[] = ['tools', 'prompts', 'resources', 'logging', 'completions', 'experimental']

function withoutTasks(extensions: string): string {
  return membersOf(extensions) ? editJson(extensions, [{ at: [`${OWN_META}tasks`], to: undefined }]) : '{}'
}

/** Revisions a client may go on in; any other is answered with the newest of them (2025-11-25, "Version Negotiation"). */
const REVISIONS: readonly unknown[] = ['2024-11-05', '2025-03-26', '2025-06-18', NEWEST_LEGACY_VERSION]

/** What an `initialize` says; `message` is one. */
export function declaredIn(message: string): DeclaredClient {
  const asked = memberOf(message, ['params', 'protocolVersion'])
  const version = REVISIONS.find((one) => JSON.stringify(one) === asked)
  const info = memberOf(message, ['params', 'clientInfo'])
  return {
    protocolVersion: typeof version === 'string' ? version : NEWEST_LEGACY_VERSION,
    capabilities: clientCapabilities(memberOf(message, ['params', 'capabilities'])),
    clientInfo: info !== undefined && membersOf(info) ? info : '{"name":"unknown","version":"0"}',
    logLevel: undefined,
  }
}

/** The answer to an `initialize`, out of a server's answer to `server/discover`. `title` is for a server that does not say its name. */
export function initializeResult(id: string, version: string, discovered: string, title: string): string {
  const instructions = memberOf(discovered, ['result', 'instructions'])
  const info = memberOf(discovered, ['result', '_meta', `${OWN_META}serverInfo`])
  const members = [
    `"protocolVersion":${JSON.stringify(version)}`,
    `"capabilities":${serverCapabilities(memberOf(discovered, ['result', 'capabilities']))}`,
    `"serverInfo":${isImplementation(info) ? info : JSON.stringify({ name: title, version: '0' })}`,
    ...(instructions?.startsWith('"') === true ? [`"instructions":${instructions}`] : []),
  ]
  return `{"jsonrpc":"2.0","id":${id},"result":{${members.join(',')}}}`
}

function isImplementation(info: string | undefined): info is string {
  if (info === undefined || !membersOf(info)) return false
  return ['name', 'version'].every((name) => memberOf(info, [name])?.startsWith('"') === true)
}
