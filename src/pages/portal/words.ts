// What security events and actions are called on the pages of administrators; a kind nobody has named yet shows its own code.

interface Word {
  readonly text: string
  readonly state: 'live' | 'warn' | 'ended'
}

const EVENTS: Readonly<Record<string, Word>> = {
  signed_in: { text: 'Signed in', state: 'live' },
  sign_in_refused: { text: 'Sign-in refused', state: 'warn' },
  grant_ended: { text: 'Client disconnected', state: 'ended' },
  person_ended: { text: 'Everything ended', state: 'ended' },
  person_blocked: { text: 'Person blocked', state: 'ended' },
  person_unblocked: { text: 'Person unblocked', state: 'live' },
  stream_ended: { text: 'Stream closed', state: 'ended' },
  session_ended: { text: 'MCP session ended', state: 'ended' },
  everyone_ended: { text: 'Everybody disconnected', state: 'ended' },
  client_ended: { text: 'Client disconnected everywhere', state: 'ended' },
  resource_ended: { text: 'Server disconnected everywhere', state: 'ended' },
  client_blocked: { text: 'Client blocked', state: 'ended' },
  client_unblocked: { text: 'Client unblocked', state: 'live' },
  administration_refused: { text: 'Administration refused', state: 'warn' },
  recording_started: { text: 'Recording switched on', state: 'warn' },
  recording_stopped: { text: 'Recording switched off', state: 'live' },
  recording_read: { text: 'Recorded messages taken to read', state: 'warn' },
  signal_received: { text: 'Signal of the identity system', state: 'ended' },
  sealing_key_created: { text: 'Sealing key made', state: 'live' },
  sealing_key_replaced: { text: 'Sealing key replaced', state: 'warn' },
  machine_created: { text: 'Machine credential created', state: 'live' },
}

export const EVENT_TYPES: readonly string[] = Object.keys(EVENTS)

export function wordFor(type: string): Word {
  return EVENTS[type] ?? { text: type.replaceAll('_', ' '), state: 'warn' }
}

const REASONS: Readonly<Record<string, string>> = {
  client_revoked: 'the client gave its access back',
  code_replayed: 'a sign-in code was presented twice',
  code_failed: 'a sign-in code was presented wrongly',
  refresh_token_reused: 'an old refresh token came back, as if it had been stolen',
  not_linked: 'the server wants the person to sign in there again',
  idp_session_ended: 'the identity provider ended the session',
  idp_logout: 'the person signed out at the identity provider',
  session_expired: 'the session reached its age, or nobody used it for long',
  limit_exceeded: 'a limit was exceeded',
  credential_revoked: 'access was ended',
  access_denied: 'this server is for other people',
  auth_unavailable: 'the identity provider does not answer',
  administrator: 'an administrator ended it',
}

/** Reasons the rules give are codes; what a person wrote is shown as it is. */
export function reasonFor(reason: string): string {
  return REASONS[reason] ?? reason
}
