// What a receipt says was done, in one sentence.
import type { Intent } from '../confirm-path.ts'
import { serverOf } from '../names.tsx'

export interface ShownReceipt {
  readonly id: string
  readonly at: number
  readonly by: string
  readonly byName?: string | undefined
  readonly why: string
  readonly action: Intent['action'] | 'create' | 'recheck' | 'apply'
  readonly target: {
    readonly what: Intent['what'] | 'machine' | 'provider_session' | 'group' | 'sealing_key'
    readonly id?: string | undefined
    readonly sub?: string | undefined
  }
  readonly people: { readonly total: number; readonly done: number; readonly failing: number }
  readonly grants: number
  readonly streams: number
  readonly unanswered: number
  readonly acknowledgedAt: number | null
  readonly state: 'done' | 'running' | 'retrying' | 'cancelled'
  /** What an identity system said; times in unix milliseconds. */
  readonly signal?:
    | {
        readonly door: 'backchannel-logout' | 'global-token-revocation' | 'shared-signals' | 'scim'
        readonly issuer: string
        readonly jti: string
        readonly event: string
        readonly txn?: string | undefined
        readonly receivedAt: number
        readonly silentAt: number
      }
    | undefined
}

const OBJECTS: Readonly<Record<ShownReceipt['target']['what'], string>> = {
  everyone: 'everybody',
  person: 'everything of a person',
  client: 'a client',
  resource: 'a server',
  grant: 'one client of a person',
  mcp_session: 'one MCP session',
  stream: 'one stream',
  machine: 'a machine credential',
  group: 'a group',
  provider_session: 'one session at the identity provider',
  sealing_key: 'a sealing key',
}

export const DOORS: Readonly<Record<NonNullable<ShownReceipt['signal']>['door'], string>> = {
  'backchannel-logout': 'Back-channel logout',
  'global-token-revocation': 'Global Token Revocation',
  'shared-signals': 'Shared Signals',
  scim: 'SCIM',
}

export function actionTitle({ action, target }: Pick<ShownReceipt, 'action' | 'target'>): string {
  const { what, id } = target
  if (action === 'block') return what === 'client' ? 'Blocked a client' : 'Blocked a person'
  if (action === 'unblock') return what === 'client' ? 'Unblocked a client' : 'Unblocked a person'
  if (action === 'recheck') return 'Asked the identity provider about a person'
  if (action === 'apply') return what === 'group' ? `Applied the group ${id ?? ''}` : 'Applied what has changed'
  if (action === 'create') return `Created ${OBJECTS[what]}`
  if (what === 'resource' && id !== undefined) return `Revoked ${serverOf(id)}`
  return `Revoked ${OBJECTS[what]}`
}

export const STATES: Readonly<Record<ShownReceipt['state'], { readonly text: string; readonly state: string }>> = {
  done: { text: 'Done', state: 'live' },
  running: { text: 'Running', state: 'warn' },
  retrying: { text: 'Asking again', state: 'warn' },
  cancelled: { text: 'Cancelled: unblocked before everybody was asked', state: 'warn' },
}
