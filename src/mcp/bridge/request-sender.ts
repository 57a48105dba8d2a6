// What a request of 2026-07-28 says about its sender, judged as a server of that revision judges it ("_meta", "Protocol Version Header").
import * as z from 'zod'
import type { Message } from '../message/json-rpc-body.ts'
import { logLevelSchema, type LogLevel } from './log-level.ts'
import { ProtocolError } from './protocol-error.ts'
import { MODERN_VERSION, META } from '../message/revision.ts'

const capabilitySchema = z.record(z.string(), z.unknown())

/** Loose: what is not known here is passed on, or does no harm. */
const capabilitiesSchema = z.looseObject({
  roots: capabilitySchema.optional(),
  sampling: capabilitySchema.optional(),
  elicitation: capabilitySchema.optional(),
  experimental: capabilitySchema.optional(),
  extensions: capabilitySchema.optional(),
})

export type ClientCapabilities = z.output<typeof capabilitiesSchema>

const clientInfoSchema = z.looseObject({ name: z.string(), version: z.string() })

/** All of it at once: a parse has its price, and this one is on the way of every request. */
const metaSchema = z.object({
  [META.capabilities]: capabilitiesSchema,
  [META.clientInfo]: clientInfoSchema.optional().catch(undefined),
  [META.logLevel]: logLevelSchema.optional(),
  progressToken: z.union([z.string(), z.number()]).optional(),
})

/** What is wrong with a member, by its name. */
const MALFORMED: Readonly<Record<string, string>> = {
  [META.capabilities]: 'is not an object of capabilities',
  [META.logLevel]: 'is not a level of RFC 5424',
  progressToken: 'is neither a string nor a number',
}

export interface Sender {
  readonly capabilities: ClientCapabilities
  /** Undefined where it does not say, or not as it should. */
  readonly clientInfo: Readonly<Record<string, unknown>> | undefined
  /** Undefined where it wants no log messages. */
  readonly logLevel: LogLevel | undefined
  /** Undefined where it wants no progress. */
  readonly wantsProgress: boolean
}

/** Throws a `ProtocolError` for what a server of 2026-07-28 refuses before it looks at the method. */
export function senderOf({ meta }: Pick<Message, 'meta'>): Sender {
  const version = meta[META.version]
  if (typeof version !== 'string') throw malformed(META.version, 'is not a string')
  if (version !== MODERN_VERSION) {
    const data = { supported: [MODERN_VERSION], requested: version.slice(0, 100) }
    throw new ProtocolError(
      'unsupported_protocol_version',
      `MCP ${MODERN_VERSION} is spoken here without a session, and no other revision`,
      data,
    )
  }
  if (meta[META.capabilities] === undefined) throw malformed(META.capabilities, 'is missing')
  const { data, error } = metaSchema.safeParse(meta)
  if (!data) {
    const member = String(error.issues[0]?.path[0])
    throw malformed(member, MALFORMED[member] ?? 'is not what it should be')
  }
  return {
    capabilities: data[META.capabilities],
    clientInfo: data[META.clientInfo],
    logLevel: data[META.logLevel],
    wantsProgress: data.progressToken !== undefined,
  }
}

function malformed(member: string, how: string): ProtocolError {
  return new ProtocolError('invalid_request_meta', `params._meta["${member}"] ${how}`)
}
