// The name of an object, kept in its own storage: a node of a cluster that starts an object because its alarm is due knows its id alone.
//
// Layout: one key, which `agents/lifecycle` reads where the runtime does not say the name. Lifetime: as long as the object. Trade-off: one
// write in its life; without it the object could not start, and served nobody for as long as somebody asked for it.
import { LifecycleCapability } from 'agents/lifecycle'

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
