// What the small tables of an object have in common: a name the lifecycle knows them by, and what is created before anything reads.
import { LifecycleCapability } from 'agents/lifecycle'

export abstract class TableCapability extends LifecycleCapability {
  protected readonly storage: DurableObjectStorage
  protected readonly sql: SqlStorage
  readonly #created: readonly string[]

  /** The name is kept with the jobs of an object and stays as it is. `created` is SQL that may run again. */
  constructor(storage: DurableObjectStorage, name: string, ...created: readonly string[]) {
    super(name)
    this.storage = storage
    this.sql = storage.sql
    this.#created = created
  }

  override onStart(): void {
    for (const statement of this.#created) this.sql.exec(statement)
  }
}
