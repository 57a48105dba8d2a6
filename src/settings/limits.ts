// How long things live and how many there may be: the numbers of a deployment.
import type { Environment } from './environment.ts'

/** All durations in seconds, all sizes in bytes. */
export interface Limits {
  readonly codeTtl: number
  readonly loginTtl: number
  readonly accessTokenTtl: number
  readonly refreshTokenTtl: number
  readonly sessionTtl: number
  /** A grant of which nothing was used for so long ends. */
  readonly sessionIdleTtl: number
  readonly identityJwtTtl: number
  readonly idpOutageGrace: number
  /** How often the identity provider is asked about a connected person. */
  readonly idpRecheckTtl: number
  readonly rateLimitRequests: number
  readonly rateLimitWindow: number
  readonly maxBodyBytes: number
  /** Of one event of a downstream. */
  readonly maxEventBytes: number
  readonly maxGrants: number
  /** Streams one person may have open at a time. */
  readonly maxStreams: number
  readonly maxMcpSessions: number
  readonly mcpSessionIdle: number
  /** Bounds of the event log of one person: number, bytes and age of the events. */
  readonly logEvents: number
  readonly logBytes: number
  readonly logAge: number
  /** How long what the flight recorder has of one person is kept, and how much. */
  readonly recordingTtl: number
  readonly recordingBytes: number
  readonly registrationsPerMinute: number
  readonly downstreamTimeout: number
  /** How long a person stays signed in to /account and /admin. */
  readonly pagesTtl: number
}

export function limitsOf(env: Environment): Limits {
  return {
    codeTtl: env.AUTHORIZATION_CODE_TTL,
    loginTtl: env.LOGIN_TTL,
    accessTokenTtl: env.ACCESS_TOKEN_TTL,
    refreshTokenTtl: env.REFRESH_TOKEN_TTL,
    sessionTtl: env.SESSION_TTL,
    sessionIdleTtl: env.SESSION_IDLE_TTL ?? env.REFRESH_TOKEN_TTL,
    identityJwtTtl: env.IDENTITY_JWT_TTL,
    idpOutageGrace: env.IDP_OUTAGE_GRACE,
    idpRecheckTtl: env.IDP_RECHECK_TTL,
    rateLimitRequests: env.RATE_LIMIT_REQUESTS,
    rateLimitWindow: env.RATE_LIMIT_WINDOW,
    registrationsPerMinute: env.RATE_LIMIT_REGISTRATIONS,
    maxBodyBytes: env.MAX_BODY_BYTES,
    maxEventBytes: env.MAX_EVENT_BYTES,
    maxGrants: env.MAX_GRANTS,
    maxStreams: env.MAX_STREAMS,
    maxMcpSessions: env.MAX_MCP_SESSIONS,
    mcpSessionIdle: env.MCP_SESSION_IDLE_TTL,
    logEvents: env.EVENT_LOG_EVENTS,
    logBytes: env.EVENT_LOG_BYTES,
    logAge: env.EVENT_LOG_TTL,
    recordingTtl: env.RECORDING_TTL,
    recordingBytes: env.RECORDING_BYTES,
    downstreamTimeout: env.DOWNSTREAM_TIMEOUT,
    pagesTtl: env.PAGES_TTL,
  }
}
