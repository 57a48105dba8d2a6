// Events in OCSF: what each class of the published schema requires is there, and nothing is that it does not know.
import { describe, expect, test } from 'vitest'
import type { LineBody } from '../../../src/evidence/line.ts'
import { ocsfOf, type OcsfEvent } from '../../../src/export/ocsf.ts'
import { EVENT_TYPES } from '../../../src/pages/portal/words.ts'
import { ISSUER, NOW } from '../evidence/signing.ts'
import schema from './ocsf-1.3.0.json' with { type: 'json' }

const bodyOf = (type: string, more: object = {}): LineBody => ({
  kind: 'event',
  salt: 's',
  at: NOW * 1000,
  event: { type, ...more },
})
const WHO = {
  sub: 'alice',
  actor: 'carol',
  actorName: 'carol@example.com',
  clientId: 'c',
  clientName: 'Notes',
  grantId: 'g',
  reason: 'stolen',
}
/** With everything an event may say, with nothing, and with what lies between. */
const SAYINGS: readonly object[] = [WHO, {}, { actor: 'signal:https://idp.example' }, { clientId: 'c' }, { sub: 'alice' }]

describe('in OCSF 1.3.0', () => {
  test.for<[string, number, number, number]>([
    ['signed_in', 3002, 1, 1],
    ['sign_in_refused', 3002, 1, 2],
    ['grant_ended', 3002, 2, 1],
    ['person_ended', 3002, 2, 1],
    ['person_blocked', 3001, 5, 1],
    ['person_unblocked', 3001, 2, 1],
    ['machine_created', 3001, 1, 1],
    ['administration_refused', 3003, 1, 2],
    ['client_blocked', 3004, 9, 1],
    ['client_unblocked', 3004, 8, 1],
    ['sealing_key_created', 3004, 1, 1],
    ['sealing_key_replaced', 3004, 3, 1],
    ['everyone_ended', 3004, 99, 1],
    ['of a later release', 3004, 99, 1],
  ])('%s is class %i, activity %i', ([type, classUid, activity, statusId]) => {
    for (const more of SAYINGS) {
      const made = ocsfOf(7, bodyOf(type, more), ISSUER)
      expect(made).toMatchObject({
        class_uid: classUid,
        activity_id: activity,
        status_id: statusId,
        severity_id: statusId,
        time: NOW * 1000,
        metadata: { version: '1.3.0', uid: '7', sequence: 7 },
      })
      expect(made?.activity_name).toBe(activity === 99 ? type : undefined)
    }
  })

  test.for(EVENT_TYPES)('%s has all that its class requires, and nothing that it does not know', (type) => {
    for (const more of SAYINGS) expect(faultsOf(ocsfOf(7, bodyOf(type, more), ISSUER))).toEqual([])
  })

  test('a receipt is an entity, and lines about the evidence are nothing', () => {
    const receipt = { id: 'r', by: 'carol', why: 'stolen', action: 'revoke', state: 'done' }
    const made = ocsfOf(3, { kind: 'receipt', salt: 's', at: NOW * 1000, receipt }, ISSUER)
    expect(made).toMatchObject({ class_uid: 3004, activity_id: 1, entity: { uid: 'r' }, actor: { user: { uid: 'carol' } } })
    expect(faultsOf(made)).toEqual([])
    expect(ocsfOf(1, { kind: 'begin', salt: 's', at: 1, before: {} }, ISSUER)).toBeUndefined()
  })
})

/** What a validator of the schema would complain about, of the classes and objects that are sent. */
function faultsOf(given: OcsfEvent | undefined): readonly string[] {
  // As it goes out: what is undefined is not there.
  const event: Record<string, any> = JSON.parse(JSON.stringify(given ?? {}))
  const { everywhere, metadata, product, classes, objects } = schema
  const of = Object.entries(classes).find(([uid]) => Number(uid) === event['class_uid'])?.[1]
  if (!of) return [`class ${event['class_uid']} is not one that is sent`]
  const faults = [
    ...keysOf('event', event, [...everywhere.required, ...of.required], [...everywhere.optional, ...of.optional]),
    ...keysOf('metadata', event['metadata'], metadata.required, metadata.optional),
    ...keysOf('product', event['metadata'].product, product.required, product.optional),
  ]
  if (event['category_uid'] !== schema.category) faults.push('category_uid')
  if (event['type_uid'] !== event['class_uid'] * 100 + event['activity_id']) faults.push('type_uid')
  if (!of.activities.includes(event['activity_id'])) faults.push('activity_id')
  if (!everywhere.status_id.includes(event['status_id'])) faults.push('status_id')
  if (!everywhere.severity_id.includes(event['severity_id'])) faults.push('severity_id')
  if ('atLeastOne' in of && !of.atLeastOne.some((name) => name in event)) faults.push('atLeastOne')
  if ('justOne' in of && of.justOne.filter((name) => name in event).length !== 1) faults.push('justOne')
  for (const [name, { atLeastOne, takes }] of Object.entries(objects)) {
    if (!(name in event)) continue
    if (!atLeastOne.some((member) => member in event[name])) faults.push(`${name}: atLeastOne`)
    faults.push(...keysOf(name, event[name], [], takes))
  }
  return faults
}

function keysOf(name: string, value: object, required: readonly string[], optional: readonly string[]): string[] {
  const keys = Object.keys(value)
  return [
    ...required.filter((key) => !keys.includes(key)).map((key) => `${name}: no ${key}`),
    ...keys.filter((key) => ![...required, ...optional].includes(key)).map((key) => `${name}: unknown ${key}`),
  ]
}
