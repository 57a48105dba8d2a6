// One delivery to a sink: a signed webhook, log records by OTLP, or objects of JSON Lines; bounded in time, and never followed elsewhere.
import * as z from 'zod'
import type { EvidenceEntry } from '../evidence/line.ts'
import { readMessage } from '../platform/bounded-body.ts'
import { hmac, hmacKey } from '../platform/crypto.ts'
import { outbound } from '../platform/outbound.ts'
import type { ExportSink, OtlpSink, S3Sink, WebhookSink } from '../settings/exports.ts'
import { recordOf, spanOf, timeOf, type Delivered, type ExportRecord } from './record.ts'
import { signedPut } from './sigv4.ts'

const ANSWER_WITHIN_MS = 10_000
const MOST_SAID = 16 * 1024
/** Whatever `Retry-After` says. */
const LONGEST_PAUSE_MS = 300_000
/** By these a receiver says that it will never take what it was sent. */
const NEVER: readonly number[] = [400, 413, 415, 422]

export interface Delivery {
  readonly issuer: string
  /** None: a test, that proves the way there. */
  readonly entries: readonly EvidenceEntry[]
  /** Unix milliseconds. */
  readonly now: number
}

export async function deliver(sink: ExportSink, delivery: Delivery): Promise<Delivered> {
  const records = delivery.entries.map((entry) => recordOf(entry, delivery.issuer))
  for (const { url, init } of await requestsTo(sink, delivery, records)) {
    const delivered = await send(url, init, sink.type)
    if (delivered.outcome !== 'taken') return delivered
  }
  return { outcome: 'taken', why: '' }
}

interface SinkRequest {
  readonly url: string
  readonly init: RequestInit
}

async function requestsTo(
  sink: ExportSink,
  delivery: Delivery,
  records: readonly ExportRecord[],
): Promise<readonly SinkRequest[]> {
  if (sink.type === 'webhook') return [await webhook(sink, delivery, records)]
  return sink.type === 'otlp' ? [otlp(sink, delivery, records)] : await objects(sink, delivery, records)
}

async function send(url: string, init: RequestInit, type: ExportSink['type']): Promise<Delivered> {
  try {
    const answer = await outbound('operator', url, init, { signal: AbortSignal.timeout(ANSWER_WITHIN_MS) })
    if (answer.ok && type === 'otlp') return await acknowledged(answer)
    await answer.body?.cancel()
    if (answer.ok) return { outcome: 'taken', why: '' }
    const why = `it answered ${answer.status}`
    if (NEVER.includes(answer.status)) return { outcome: 'refused', why }
    const seconds = /^\d{1,9}$/.exec(answer.headers.get('retry-after') ?? '')?.[0]
    return {
      outcome: 'again',
      why,
      ...(seconds !== undefined && { pauseMs: Math.min(Number(seconds) * 1000, LONGEST_PAUSE_MS) }),
    }
  } catch {
    return { outcome: 'again', why: 'it did not answer' }
  }
}

/** An OTLP collector answers 200, too, where it has thrown some of the records away. */
const partly = z.object({ partialSuccess: z.object({ rejectedLogRecords: z.coerce.number() }) })

async function acknowledged(answer: Response): Promise<Delivered> {
  const said = await readMessage(answer, { mostBytes: MOST_SAID, withinMs: ANSWER_WITHIN_MS }).catch(() => undefined)
  // What it did not take may stand in it.
  if (!said) return { outcome: 'again', why: 'its answer could not be read whole' }
  const rejected = partly.safeParse(parsed(said)).data?.partialSuccess.rejectedLogRecords ?? 0
  return rejected > 0 ? { outcome: 'refused', why: `it rejected ${rejected} records` } : { outcome: 'taken', why: '' }
}

function parsed(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes))
  } catch {
    return undefined
  }
}

/** Standard Webhooks 1.0: the id is the same whenever the same lines are sent, the timestamp is of this attempt. */
async function webhook(
  { name, url, secret }: WebhookSink,
  { issuer, now }: Delivery,
  records: readonly ExportRecord[],
): Promise<SinkRequest> {
  const [first] = records
  const last = records.at(-1)
  const id = first && last ? `evidence_${name}_${spanOf(first)[0]}-${spanOf(last)[1]}` : `test_${name}_${now}`
  const timestamp = String(Math.floor(now / 1000))
  const type = records.length > 0 ? 'mcp_session_broker.evidence' : 'mcp_session_broker.test'
  const body = JSON.stringify({ type, timestamp: new Date(now).toISOString(), data: { issuer, entries: records } })
  const signature = btoa(String.fromCharCode(...(await hmac(await hmacKey(secret), `${id}.${timestamp}.${body}`))))
  const headers = {
    'content-type': 'application/json',
    'webhook-id': id,
    'webhook-timestamp': timestamp,
    'webhook-signature': `v1,${signature}`,
  }
  return { url, init: { method: 'POST', headers, body } }
}

const INFO = 9
const WARN = 13

/** `ExportLogsServiceRequest` in the JSON of OTLP 1: 64-bit numbers as text. */
function otlp({ url, headers }: OtlpSink, { issuer, now }: Delivery, records: readonly ExportRecord[]): SinkRequest {
  const logs = records.map((record) => ({
    timeUnixNano: `${timeOf(record) ?? now}000000`,
    observedTimeUnixNano: `${now}000000`,
    severityNumber: record.ocsf?.severity_id === 2 ? WARN : INFO,
    body: { stringValue: JSON.stringify(record) },
    attributes: [
      { key: 'evidence.number', value: { intValue: String(spanOf(record)[0]) } },
      text('evidence.hash', record.hash),
      ...(record.ocsf ? [{ key: 'ocsf.class_uid', value: { intValue: String(record.ocsf.class_uid) } }] : []),
    ],
  }))
  const test = { timeUnixNano: `${now}000000`, severityNumber: INFO, body: { stringValue: 'mcp_session_broker.test' } }
  const scopeLogs = [{ scope: { name: 'mcp-session-broker' }, logRecords: logs.length > 0 ? logs : [test] }]
  const resource = { attributes: [text('service.name', 'mcp-session-broker'), text('service.instance.id', issuer)] }
  const body = JSON.stringify({ resourceLogs: [{ resource, scopeLogs }] })
  return { url, init: { method: 'POST', headers: { ...headers, 'content-type': 'application/json' }, body } }
}

/** The names follow from the numbers: what is sent again overwrites itself. */
async function objects(
  sink: S3Sink,
  { now, entries }: Delivery,
  records: readonly ExportRecord[],
): Promise<readonly SinkRequest[]> {
  const [first] = records
  const last = records.at(-1)
  if (!first || !last) return [await signedPut(sink, 'test.json', '{"type":"mcp_session_broker.test"}\n', now)]
  const at = timeOf(first)
  const day = at === undefined ? 'kept-no-more' : new Date(at).toISOString().slice(0, 10).replaceAll('-', '/')
  const name = `${day}/${padded(spanOf(first)[0])}-${padded(spanOf(last)[1])}`
  const ocsf = records.flatMap((record) => record.ocsf ?? [])
  const beside = ocsf.length > 0 ? [await signedPut(sink, `${name}.ocsf.jsonl`, lines(ocsf), now)] : []
  return [...beside, await signedPut(sink, `${name}.jsonl`, lines(entries), now)]
}

function padded(number: number): string {
  return String(number).padStart(12, '0')
}

function lines(all: readonly unknown[]): string {
  return all.map((one) => `${JSON.stringify(one)}\n`).join('')
}

function text(key: string, value: string): object {
  return { key, value: { stringValue: value } }
}
