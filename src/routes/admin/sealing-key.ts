// The sealing key as administrators see it and as they put one in place: checked here, made in their browser.
import { fingerprintOf, isNamedRightly, type MadeSealingKey, type SealingKey } from '../../evidence/sealing-key.ts'
import type { Receipt } from '../../session/contract/receipt.ts'
import type { Services } from '../../services.ts'
import { orderOf, type Acting } from './actions.ts'
import { AdminRefusal } from './refusal.ts'

/** Newest first: the one in use, and those before it. */
export async function listSealingKeys(services: Services): Promise<readonly SealingKey[]> {
  return await services.directory().sealingKeys()
}

/** To which messages are sealed now. */
export async function currentSealingKey(services: Services): Promise<SealingKey> {
  const current = (await listSealingKeys(services)).find(({ replacedAt }) => replacedAt === undefined)
  if (current && !(await isNamedRightly(current)))
    throw new AdminRefusal(
      'sealing_key_changed',
      `another key is stored under the fingerprint ${current.fingerprint}: somebody has written to the storage; replace the key`,
    )
  if (current) return current
  throw new AdminRefusal('no_sealing_key', 'there is no sealing key yet: an administrator makes one at /admin/sealing-key')
}

export async function keepSealingKey(services: Services, made: MadeSealingKey, acting: Acting): Promise<Receipt> {
  const checked = await fingerprintOf(made)
  if ('problem' in checked) throw new AdminRefusal('invalid_request', `the request can not be read: ${checked.problem}`)
  const order = orderOf(services, 'create', { what: 'sealing_key', id: checked.fingerprint }, acting)
  const receipt = await services.directory().keepSealingKey(made, order)
  if (receipt) return receipt
  throw new AdminRefusal('sealing_key_changed', 'another sealing key is in use than the one this would replace: look at it first')
}
