// Where the evidence is exported to: what `EXPORTS` may say about each sink, and every mistake in it, named by sink and field.
import { base64url } from 'jose'
import * as z from 'zod'
import { secretText } from './downstream-list.ts'
import { jsonOf, lower, MISSING_IS_SAID } from './json-list.ts'
import { isOpenHttp, type SettingsProblem, type WrittenVariables } from './problem.ts'
import { webUrl } from './web-url.ts'

interface NamedSink {
  readonly name: string
  readonly url: string
}

export interface WebhookSink extends NamedSink {
  readonly type: 'webhook'
  readonly secret: Uint8Array<ArrayBuffer>
}

export interface OtlpSink extends NamedSink {
  readonly type: 'otlp'
  readonly headers: Readonly<Record<string, string>>
}

export interface S3Sink extends NamedSink {
  readonly type: 's3'
  readonly region: string
  readonly accessKeyId: string
  readonly secretAccessKey: string
}

export type ExportSink = WebhookSink | OtlpSink | S3Sink

function schemaOf(given: WrittenVariables): z.ZodType<ExportSink> {
  const secret = secretText(given)
  const header = secret.refine((value) => /^[\t\x20-\x7e]*$/.test(value), 'holds characters that no header can carry')
  const common = {
    name: z.string().regex(/^[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?$/, 'is not of lower-case letters, digits and -'),
    url: webUrl
      .refine(({ href }) => !isOpenHttp(href), 'would be told over plain http')
      .refine(({ search }) => search === '', 'has a query')
      .transform(({ href }) => href.replace(/\/$/, '')),
  }
  return z.discriminatedUnion('type', [
    z.strictObject({ ...common, type: z.literal('webhook'), secret: secret.transform(webhookSecret) }),
    z.strictObject({ ...common, type: z.literal('otlp'), headers: z.record(z.string().regex(/^[\w-]+$/), header).default({}) }),
    z
      .strictObject({
        ...common,
        type: z.literal('s3'),
        region: z
          .string()
          .regex(/^[a-z0-9-]{1,40}$/)
          .default('auto'),
        access_key_id: header,
        secret_access_key: secret,
      })
      .transform(({ access_key_id: accessKeyId, secret_access_key: secretAccessKey, ...rest }) => {
        return { ...rest, accessKeyId, secretAccessKey }
      }),
  ])
}

/** Standard Webhooks: `whsec_` and base64 of 24 to 64 bytes. */
function webhookSecret(text: string, context: z.core.$RefinementCtx): Uint8Array<ArrayBuffer> {
  const [, encoded = ''] = /^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(text) ?? []
  const bytes = bytesOf(encoded)
  if (bytes.length >= 24 && bytes.length <= 64) return bytes
  context.addIssue({ code: 'custom', message: 'is not whsec_ and the base64 of 24 to 64 bytes', input: '' })
  return z.NEVER
}

export function readExports(given: WrittenVariables): {
  readonly exports: readonly ExportSink[]
  readonly problems: readonly SettingsProblem[]
} {
  const written = given['EXPORTS']
  if (written === undefined) return { exports: [], problems: [] }
  const parsed = z.array(schemaOf(given)).max(10).safeParse(jsonOf(written), MISSING_IS_SAID)
  if (!parsed.success) {
    // The value is never repeated: secrets may stand in it.
    const said = parsed.error.issues.map(({ path, message }) =>
      path.length === 0 ? 'is not a JSON list of sinks' : `${path.join('.')} ${lower(message)}`,
    )
    return { exports: [], problems: said.map(wrong) }
  }
  const names = parsed.data.map(({ name }) => name)
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  return { exports: parsed.data, problems: twice === undefined ? [] : [wrong(`names ${twice} twice`)] }
}

function wrong(problem: string): SettingsProblem {
  return { variable: 'EXPORTS', problem, cure: 'see docs/operations/export.md' }
}

/** None where it is no base64. */
function bytesOf(base64: string): Uint8Array<ArrayBuffer> {
  try {
    return new Uint8Array(base64url.decode(base64.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')))
  } catch {
    return new Uint8Array()
  }
}
