// The name of an object, kept in its own storage: a node of a cluster that starts an object because its alarm is due knows its id alone.
//
// Layout: one key, which `agents/lifecycle` reads where the runtime does not say the name. Lifetime: as long as the object. Trade-off: one
// write in its life; without it the object could not start, and served nobody for as long as somebody asked for it.
import { LifecycleCapability } from 'agents/lifecycle'
import { personName } from '../../caller.ts'
import { log } from '../../platform/telemetry.ts'
import { storedPerson } from './profile.ts'

const KEY = '__ps_name'

export class ObjectName extends LifecycleCapability {
  constructor() {
    super('object-name')
  }

  override onStart(): void {
    const { name, storage } = this.lifecycle
    if (storage.kv.get(KEY) !== name) storage.kv.put(KEY, name)
  }
}

interface Sleeper {
  readonly id: DurableObjectId
  readonly storage: DurableObjectStorage
  abort(reason: string): void
}

/**
 * For the constructor. One that an earlier release put to sleep has kept no name: what it holds says which it could be, and its id whether
 * it is. One that stays nameless would refuse whoever asks for it, for as long as they ask: it ends, and whoever comes next calls it by name.
 */
export async function recallName(
  sleeper: Sleeper,
  namespace: { idFromName(name: string): DurableObjectId },
  held: (sql: SqlStorage) => Promise<string | undefined>,
): Promise<void> {
  const { id, storage } = sleeper
  if (id.name !== undefined || storage.kv.get(KEY) !== undefined) return
  const name = await held(storage.sql)
  if (name !== undefined && namespace.idFromName(name).equals(id)) return storage.kv.put(KEY, name)
  log('warn', 'object.nameless', { object: id.toString() })
  sleeper.abort('this object holds nothing to know its name by')
}

export async function nameOfPerson(sql: SqlStorage): Promise<string | undefined> {
  const person = storedPerson(sql)
  return person && (await personName(person))
}
