// Which rules about people were in force last: a deployment that changes them has to reach objects that sleep beside open streams.
//
// Layout: one row, a digest of the rules. Lifetime: until the next change. Trade-off: whoever wakes this object after a deployment brings the
// news; the router does so with the first request of an isolate whose token was verified.
import { randomId, sha256 } from '../platform/crypto.ts'
import { readSettings, SettingsError } from '../settings/settings.ts'
import type { BulkActions } from './bulk-actions.ts'
import { TableCapability } from '../session/store/table.ts'

export class AppliedPolicy extends TableCapability {
  constructor(storage: DurableObjectStorage) {
    super(
      storage,
      'applied-policy',
      'CREATE TABLE IF NOT EXISTS applied_policy (id INTEGER PRIMARY KEY CHECK (id = 1), digest TEXT NOT NULL)',
    )
  }

  /** Whether other rules than these were in force before. To be called again after they were applied: nothing is noted here. */
  isOther(digest: string): boolean {
    const [row] = this.sql.exec<{ digest: string }>('SELECT digest FROM applied_policy')
    if (!row) this.note(digest)
    return row !== undefined && row.digest !== digest
  }

  note(digest: string): void {
    this.sql.exec('INSERT OR REPLACE INTO applied_policy (id, digest) VALUES (1, ?)', digest)
  }
}

/** Everybody who is connected is told, so that nothing stays open that may not: whoever sleeps would not learn it otherwise. `now` in unix seconds. */
export async function applyPolicy(
  { bulkActions, policy }: { readonly bulkActions: BulkActions; readonly policy: AppliedPolicy },
  env: object,
  now: number,
): Promise<void> {
  const digest = await policyDigest(env)
  if (digest === undefined || !policy.isOther(digest)) return
  await bulkActions.tellEveryone({ ...DEPLOYMENT, id: randomId(12), at: now }, () => policy.note(digest))
}

const DEPLOYMENT = {
  by: 'deployment',
  byName: 'A new deployment',
  why: 'the rules of the settings have changed',
  action: 'apply',
  target: { what: 'everyone' },
} as const

/** Of everything that decides who may use which server, and what of it; undefined while the settings are wrong, which whoever asks hears. */
async function policyDigest(env: object): Promise<string | undefined> {
  try {
    const { downstreams, administrators } = readSettings(env)
    const rules = downstreams.map(({ resource, allow, tools, toolScopes }) => ({ resource, allow, tools, toolScopes }))
    return await sha256(JSON.stringify([rules, administrators.named]))
  } catch (error) {
    if (error instanceof SettingsError) return undefined
    throw error
  }
}
