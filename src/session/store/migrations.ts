// What tables of a person's object were made without in earlier releases: so far nothing.
import type { Migration } from '../../platform/migrations.ts'

export const MIGRATIONS: readonly Migration[] = []
