// What a request of 2026-07-28 says about its sender, judged as a server of that revision judges it ("_meta", "Protocol Version Header").
import * as z from 'zod'
import type { Message } from '../message/json-rpc-body.ts'
import { logLevelSchema, type LogLevel } from './log-level.ts'
import { ProtocolError } from './protocol-error.ts'
import { META, MODERN_VERSION } from './protocol.ts'

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
  const { data: capabilities } = capabilitiesSchema.safeParse(meta[META.capabilities])
  if (!capabilities) throw malformed(META.capabilities, 'is not an object of capabilities')
  const level = logLevelSchema.optional().safeParse(meta[META.logLevel])
  if (!level.success) throw malformed(META.logLevel, 'is not a level of RFC 5424')
  const token = meta['progressToken']
  if (token !== undefined && typeof token !== 'string' && typeof token !== 'number')
    throw malformed('progressToken', 'is neither a string nor a number')
  return {
    capabilities,
    clientInfo: clientInfoSchema.safeParse(meta[META.clientInfo]).data,
    logLevel: level.data,
    wantsProgress: token !== undefined,
  }
}

function malformed(member: string, how: string): ProtocolError {
  return new ProtocolError('invalid_request_meta', `params._meta["${member}"] ${how}`)
}
