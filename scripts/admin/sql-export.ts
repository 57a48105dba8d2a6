// npm run admin -- sql-export: people, clients, machines, events and receipts in a SQLite file, for whoever asks questions in SQL (docs/operations/export.md).
import { existsSync, linkSync, rmSync, writeFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { Mistake, type Answer } from './signals.ts'

type Get = (path: string, query?: Readonly<Record<string, string | undefined>>) => Promise<Answer>

interface Exported {
  readonly columns: Readonly<Record<string, 'TEXT' | 'INTEGER'>>
  /** The member of the answer that has the rows, by which they are also asked for. */
  readonly from: string
  readonly key: string
  /** `after`: in an order that changes while it is read. */
  readonly cursor: 'after' | 'before'
  /** Where a column is another member of the row, or several. */
  readonly row?: (item: Answer) => Answer
}

const TABLES: Readonly<Record<string, Exported>> = {
  people: {
    from: 'people',
    key: 'sub',
    cursor: 'after',
    columns: {
      sub: 'TEXT',
      kind: 'TEXT',
      email: 'TEXT',
      name: 'TEXT',
      issuer: 'TEXT',
      subject: 'TEXT',
      groups: 'TEXT',
      blocked: 'INTEGER',
      liveGrants: 'INTEGER',
      firstSeenAt: 'INTEGER',
      lastSeenAt: 'INTEGER',
    },
  },
  clients: {
    from: 'clients',
    key: 'id',
    cursor: 'after',
    columns: {
      id: 'TEXT',
      name: 'TEXT',
      knownBy: 'TEXT',
      redirectUris: 'TEXT',
      authMethod: 'TEXT',
      registeredAt: 'INTEGER',
      usedAt: 'INTEGER',
      isBlocked: 'INTEGER',
      people: 'INTEGER',
    },
  },
  machines: {
    from: 'machines',
    key: 'id',
    cursor: 'before',
    columns: {
      id: 'TEXT',
      sub: 'TEXT',
      name: 'TEXT',
      owner: 'TEXT',
      prefix: 'TEXT',
      scopes: 'TEXT',
      resources: 'TEXT',
      createdAt: 'INTEGER',
      createdBy: 'TEXT',
      expiresAt: 'INTEGER',
      lastUsedAt: 'INTEGER',
      state: 'TEXT',
    },
  },
  events: {
    from: 'events',
    key: 'number',
    cursor: 'before',
    columns: {
      number: 'INTEGER',
      at: 'INTEGER',
      type: 'TEXT',
      sub: 'TEXT',
      clientId: 'TEXT',
      clientName: 'TEXT',
      grantId: 'TEXT',
      actor: 'TEXT',
      actorName: 'TEXT',
      reason: 'TEXT',
    },
  },
  receipts: {
    from: 'receipts',
    key: 'id',
    cursor: 'before',
    columns: {
      id: 'TEXT',
      at: 'INTEGER',
      by: 'TEXT',
      byName: 'TEXT',
      why: 'TEXT',
      action: 'TEXT',
      targetWhat: 'TEXT',
      targetId: 'TEXT',
      targetSub: 'TEXT',
      peopleTotal: 'INTEGER',
      peopleDone: 'INTEGER',
      peopleFailing: 'INTEGER',
      grants: 'INTEGER',
      streams: 'INTEGER',
      unanswered: 'INTEGER',
      acknowledgedAt: 'INTEGER',
      firstClosedAtMs: 'INTEGER',
      lastClosedAtMs: 'INTEGER',
      couldActUntilMs: 'INTEGER',
      state: 'TEXT',
      signal: 'TEXT',
    },
    row: (receipt) => {
      const { target, people, closing } = receipt
      return {
        ...receipt,
        targetWhat: target.what,
        targetId: target.id,
        targetSub: target.sub,
        peopleTotal: people.total,
        peopleDone: people.done,
        peopleFailing: people.failing,
        firstClosedAtMs: closing?.firstAt,
        lastClosedAtMs: closing?.lastAt,
        couldActUntilMs: closing?.couldActUntil,
      }
    },
  },
}

/** The file is there when everything is in it, and never in place of another. */
export async function sqlExport(file: string, get: Get): Promise<Answer> {
  if (existsSync(file)) throw new Mistake(`${file} is there already`)
  const part = `${file}.part`
  rmSync(part, { force: true })
  // Names and addresses of people: nobody else on this machine reads it.
  writeFileSync(part, '', { flag: 'wx', mode: 0o600 })
  const database = new DatabaseSync(part)
  try {
    const rows: Record<string, number> = {}
    for (const [name, table] of Object.entries(TABLES)) rows[name] = await fill(database, name, table, get)
    const about = { begun: new Date().toISOString(), broker: process.env['BROKER_URL'] ?? '' }
    database.exec('CREATE TABLE about (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT')
    for (const [name, value] of Object.entries(about)) database.prepare('INSERT INTO about VALUES (?, ?)').run(name, value)
    database.close()
    linkSync(part, file)
    return { file, rows }
  } catch (error) {
    if (database.isOpen) database.close()
    throw error instanceof Error && 'code' in error && error.code === 'EEXIST' ? new Mistake(`${file} is there already`) : error
  } finally {
    rmSync(part, { force: true })
  }
}

/** Lists whose order changes while they are read are read a second time: who moved from behind the cursor to before it is met there. */
async function fill(database: DatabaseSync, name: string, table: Exported, get: Get): Promise<number> {
  const { columns, key, cursor } = table
  const named = Object.entries(columns).map(([column, type]) => `"${column}" ${type}${column === key ? ' PRIMARY KEY' : ''}`)
  database.exec(`CREATE TABLE ${name} (${named.join(', ')}) STRICT`)
  const names = Object.keys(columns)
  const insert = database.prepare(
    `INSERT OR REPLACE INTO ${name} (${names.map((column) => `"${column}"`).join(', ')}) VALUES (${names.map(() => '?').join(', ')})`,
  )
  for (let pass = 0; pass < (cursor === 'after' ? 2 : 1); pass += 1)
    for (let place: string | undefined = ''; place !== undefined;) {
      const page: Answer = await get(`/${table.from}`, place === '' ? {} : { [cursor]: place })
      database.exec('BEGIN')
      for (const item of page[table.from]) {
        const row = table.row?.(item) ?? item
        insert.run(...names.map((column) => stored(row[column])))
      }
      database.exec('COMMIT')
      place = page['next'] === undefined ? undefined : String(page['next'])
    }
  return Number(database.prepare(`SELECT count(*) AS n FROM ${name}`).get()?.['n'] ?? 0)
}

function stored(value: unknown): string | number | null {
  if (value === undefined || value === null) return null
  if (typeof value === 'boolean') return value ? 1 : 0
  return typeof value === 'number' || typeof value === 'string' ? value : JSON.stringify(value)
}
