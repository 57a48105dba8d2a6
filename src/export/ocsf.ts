// Events of the evidence in OCSF 1.3, category Identity & Access Management: https://schema.ocsf.io/1.3.0/categories/iam
import * as z from 'zod'
import type { LineBody } from '../evidence/line.ts'

const OCSF_VERSION = '1.3.0'
const IAM = 3
const PRODUCT = 'MCP Session Broker'

export interface OcsfEvent {
  readonly category_uid: number
  readonly class_uid: number
  readonly activity_id: number
  readonly activity_name?: string
  readonly type_uid: number
  readonly severity_id: number
  readonly status_id: number
  /** Unix milliseconds. */
  readonly time: number
  readonly message?: string | undefined
  readonly metadata: object
  readonly [more: string]: unknown
}

const event = z.object({
  type: z.string(),
  sub: z.string().optional(),
  clientId: z.string().optional(),
  clientName: z.string().optional(),
  grantId: z.string().optional(),
  actor: z.string().optional(),
  actorName: z.string().optional(),
  reason: z.string().optional(),
})
const receipt = z.object({
  id: z.string(),
  by: z.string(),
  byName: z.string().optional(),
  why: z.string(),
  action: z.string(),
  state: z.string(),
})

type Kind = readonly [classUid: number, activity: number]
const AUTHENTICATION = 3002
const ACCOUNT_CHANGE = 3001
const AUTHORIZE_SESSION = 3003
const ENTITY_MANAGEMENT = 3004
const OTHER = 99

/** Logon 1, Logoff 2; Create 1, Enable 2, Disable 5; Assign Privileges 1; of entities Create 1, Update 3, Enable 8, Disable 9. */
const KINDS: Readonly<Record<string, Kind>> = {
  signed_in: [AUTHENTICATION, 1],
  sign_in_refused: [AUTHENTICATION, 1],
  grant_ended: [AUTHENTICATION, 2],
  person_ended: [AUTHENTICATION, 2],
  session_ended: [AUTHENTICATION, 2],
  stream_ended: [AUTHENTICATION, 2],
  person_blocked: [ACCOUNT_CHANGE, 5],
  person_unblocked: [ACCOUNT_CHANGE, 2],
  machine_created: [ACCOUNT_CHANGE, 1],
  administration_refused: [AUTHORIZE_SESSION, 1],
  client_blocked: [ENTITY_MANAGEMENT, 9],
  client_unblocked: [ENTITY_MANAGEMENT, 8],
  sealing_key_created: [ENTITY_MANAGEMENT, 1],
  sealing_key_replaced: [ENTITY_MANAGEMENT, 3],
  recording_read: [ENTITY_MANAGEMENT, 2],
}
const FAILED: readonly string[] = ['sign_in_refused', 'administration_refused']

/** Undefined of a line that is about the evidence itself. */
export function ocsfOf(number: number, body: LineBody, issuer: string): OcsfEvent | undefined {
  const metadata = {
    version: OCSF_VERSION,
    product: { name: PRODUCT, vendor_name: PRODUCT, uid: issuer },
    uid: String(number),
    sequence: number,
  }
  const said = event.safeParse(body['event']).data
  if (said) {
    const { type, sub, clientId, clientName, grantId, actor, actorName, reason } = said
    const [classUid, activity] = KINDS[type] ?? [ENTITY_MANAGEMENT, OTHER]
    const who = actor === undefined ? undefined : { uid: actor, ...(actorName !== undefined && { name: actorName }) }
    const app = clientId === undefined ? undefined : { uid: clientId, ...(clientName !== undefined && { name: clientName }) }
    // Each class takes the attributes it names, and no other.
    const isSession = classUid === AUTHENTICATION || classUid === AUTHORIZE_SESSION
    const by = (who ?? app) && {
      actor: { ...(who && { user: who }), ...(app && { app_name: app.name ?? app.uid, app_uid: app.uid }) },
    }
    return {
      ...head(classUid, activity, body.at, type, FAILED.includes(type)),
      message: reason,
      metadata: { ...metadata, event_code: type },
      ...(classUid === ENTITY_MANAGEMENT
        ? { entity: { type: app ? 'client' : 'deployment', uid: app?.uid ?? sub ?? issuer } }
        : { user: sub === undefined ? (who ?? { name: 'unknown' }) : { uid: sub } }),
      ...(classUid === AUTHENTICATION && { service: { name: PRODUCT, uid: issuer } }),
      ...(classUid === AUTHORIZE_SESSION ? { privileges: ['administration'] } : by),
      ...(grantId !== undefined && (isSession ? { session: { uid: grantId } } : { unmapped: { grant_id: grantId } })),
    }
  }
  const made = receipt.safeParse(body['receipt']).data
  if (!made) return undefined
  const { id, by, byName, why, action, state } = made
  return {
    ...head(ENTITY_MANAGEMENT, 1, body.at, `receipt_${action}`, false),
    message: why,
    metadata: { ...metadata, event_code: `receipt_${action}` },
    entity: { type: 'receipt', uid: id, name: `${action}: ${state}` },
    actor: { user: { uid: by, ...(byName !== undefined && { name: byName }) } },
  }
}

function head(classUid: number, activity: number, time: number, type: string, hasFailed: boolean) {
  return {
    category_uid: IAM,
    class_uid: classUid,
    activity_id: activity,
    ...(activity === OTHER && { activity_name: type }),
    type_uid: classUid * 100 + activity,
    // Informational, or Low where somebody was refused.
    severity_id: hasFailed ? 2 : 1,
    status_id: hasFailed ? 2 : 1,
    time,
  }
}
