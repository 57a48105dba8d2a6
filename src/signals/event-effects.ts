// What follows from each security event: the ones of CAEP and RISC that say something about access, and none besides.
import type { SignalEffect } from '../session/contract/signal.ts'
import type { SignalSettings } from '../settings/signals.ts'

const CAEP = 'https://schemas.openid.net/secevent/caep/event-type/'
const RISC = 'https://schemas.openid.net/secevent/risc/event-type/'
const FRAMEWORK: readonly string[] = [
  'https://schemas.openid.net/secevent/ssf/event-type/',
  // Of drafts before 1.0.
  'https://schemas.openid.net/secevent/sse/event-type/',
  RISC,
]

type Members = Readonly<Record<string, unknown>>
type Effect = SignalEffect | undefined

const EFFECTS: Readonly<Record<string, (event: Members, settings: SignalSettings) => Effect>> = {
  [`${CAEP}session-revoked`]: () => 'end',
  [`${CAEP}credential-change`]: credentialChange,
  [`${CAEP}token-claims-change`]: () => 'recheck',
  [`${CAEP}assurance-level-change`]: () => 'recheck',
  [`${CAEP}device-compliance-change`]: () => 'recheck',
  [`${RISC}account-disabled`]: () => 'block',
  [`${RISC}account-purged`]: () => 'block',
  [`${RISC}account-enabled`]: () => 'unblock',
  [`${RISC}sessions-revoked`]: () => 'end',
}

/** What is asked for when a stream is set up. */
export const EVENTS_WANTED: readonly string[] = Object.keys(EFFECTS)

/** Undefined where nothing follows. */
export function effectOf(type: string, event: Members, settings: SignalSettings): Effect {
  return EFFECTS[type]?.(event, settings)
}

/** Whoever adds a credential loses nothing by it. */
function credentialChange(event: Members, { credentialChange: wanted }: SignalSettings): Effect {
  if (wanted === 'ignore') return undefined
  return wanted === 'end' && event['change_type'] !== 'create' ? 'end' : 'recheck'
}

/** `session-revoked` of its URI. */
export function shortName(type: string): string {
  return type.split('/').at(-1) ?? type
}

/** Events about the stream itself. */
export function isAboutStream(type: string, name: 'verification' | 'stream-updated'): boolean {
  return FRAMEWORK.some((prefix) => type === prefix + name)
}
