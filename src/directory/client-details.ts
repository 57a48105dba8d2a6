// What only some clients have: keys they sign with, and a document that describes them, good until a moment.
//
// Layout: one row per client that has any of it, beside its row in `clients`. Lifetime: that row's. Trade-off: a second table rather than
// columns that are empty in nearly every row of the first.
import type { ClientRecord } from '../clients/client-record.ts'

export interface DetailsRow {
  fresh_until: number | null
  jwks: string | null
  jwks_uri: string | null
}

export class ClientDetails {
  readonly #storage: DurableObjectStorage

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage
  }

  create(): void {
    this.#storage.sql.exec(
      'CREATE TABLE IF NOT EXISTS client_details (id TEXT PRIMARY KEY, fresh_until INTEGER, jwks TEXT, jwks_uri TEXT) WITHOUT ROWID',
    )
  }

  keep({ id, keys, freshUntil }: ClientRecord): void {
    if (!keys && freshUntil === undefined) return
    this.#storage.sql.exec(
      'INSERT OR REPLACE INTO client_details (id, fresh_until, jwks, jwks_uri) VALUES (?, ?, ?, ?)',
      id,
      freshUntil ?? null,
      keys && 'jwks' in keys ? keys.jwks : null,
      keys && 'jwksUri' in keys ? keys.jwksUri : null,
    )
  }

  forget(clients: readonly { readonly id: string }[]): void {
    for (const { id } of clients) this.#storage.sql.exec('DELETE FROM client_details WHERE id = ?', id)
  }
}

export function detailsFrom({ fresh_until, jwks, jwks_uri }: DetailsRow): Pick<ClientRecord, 'knownBy' | 'freshUntil' | 'keys'> {
  return {
    ...(fresh_until !== null && { knownBy: 'document', freshUntil: fresh_until }),
    ...(jwks !== null && { keys: { jwks } }),
    ...(jwks_uri !== null && { keys: { jwksUri: jwks_uri } }),
  }
}
