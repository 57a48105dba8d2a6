// The reference of the admin API: the OpenAPI document that the broker serves, as a page.
import * as z from 'zod'
import { openApi } from './openapi.ts'

const HEAD = `# Admin API

<!-- Written by \`npm run docs:reference\` from scripts/reference/openapi.ts. Change it there. -->

The portal as JSON, for programs, below \`/admin/api\`. \`GET /admin/api/openapi.json\` is the same as this page, as an OpenAPI 3.1 document. How to
get in is in [Administration](../administration.md); from a terminal \`npm run admin\` does most of it.

Every request that changes something carries a \`reason\` and is answered with a receipt. A list has at most one page; \`next\` of the answer is the
parameter that asks for the following one. A refusal has \`error\`, \`error_description\` and \`request_id\`: [Error codes](../reference/errors.md#the-admin-api).
`

type Schema = z.output<typeof schema>
interface Fields {
  readonly [name: string]: Shape
}
interface Shape {
  readonly $ref?: string | undefined
  readonly type?: string | readonly string[] | undefined
  readonly description?: string | undefined
  readonly enum?: readonly unknown[] | undefined
  readonly const?: unknown
  readonly items?: Shape | undefined
  readonly properties?: Fields | undefined
  readonly required?: readonly string[] | undefined
  readonly allOf?: readonly Shape[] | undefined
  readonly anyOf?: readonly Shape[] | undefined
  readonly oneOf?: readonly Shape[] | undefined
  readonly default?: unknown
}

const shape: z.ZodType<Shape> = z.lazy(() =>
  z.object({
    $ref: z.string().optional(),
    type: z.union([z.string(), z.array(z.string())]).optional(),
    description: z.string().optional(),
    enum: z.array(z.unknown()).optional(),
    const: z.unknown().optional(),
    items: shape.optional(),
    properties: z.record(z.string(), shape).optional(),
    required: z.array(z.string()).optional(),
    allOf: z.array(shape).optional(),
    anyOf: z.array(shape).optional(),
    oneOf: z.array(shape).optional(),
    default: z.unknown().optional(),
  }),
)
const content = z.object({ 'application/json': z.object({ schema: shape }) }).transform((all) => all['application/json'].schema)
const operation = z.object({
  summary: z.string(),
  parameters: z.array(z.object({ name: z.string(), in: z.string(), schema: shape })).default([]),
  requestBody: z.object({ content }).optional(),
  responses: z.record(z.string(), z.object({ content })),
})
const schema = z.object({
  paths: z.record(z.string(), z.record(z.string(), operation)),
  components: z.object({
    schemas: z.record(z.string(), shape),
    securitySchemes: z.record(z.string(), z.object({ description: z.string() })),
  }),
})

export function adminApiReference(): string {
  const { paths, components } = schema.parse(openApi())
  const ways = Object.entries(components.securitySchemes).map(([name, { description }]) => `* ${name}: ${description}.`)
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, told]) => operationText(`${method.toUpperCase()} ${path}`, told)),
  )
  const answers = Object.entries(components.schemas).map(([name, told]) => `### ${name}\n\n${fieldsOf(told)}\n`)
  return [
    HEAD,
    `## Who may ask\n\n${ways.join('\n')}\n`,
    `## Requests\n\n${operations.join('\n')}`,
    `## Answers\n\n${answers.join('\n')}`,
  ].join('\n')
}

function operationText(name: string, told: Schema['paths'][string][string]): string {
  const parameters = told.parameters.map(
    (one) => `| \`${one.name}\` | ${one.in} | ${typeOf(one.schema)} | ${cell(one.schema.description)} |`,
  )
  const answers = Object.entries(told.responses).map(([status, { content: body }]) =>
    status === 'default' ? undefined : `${status} with ${typeOf(body)}`,
  )
  return [
    `### \`${name}\`\n\n${told.summary}.\n`,
    parameters.length > 0 ? `| parameter | in | type | |\n|---|---|---|---|\n${parameters.join('\n')}\n` : undefined,
    told.requestBody ? `Body:\n\n${fieldsOf(told.requestBody.content)}\n` : undefined,
    `Answer: ${answers.filter((answer) => answer !== undefined).join(', ')}.\n`,
  ]
    .filter((part) => part !== undefined)
    .join('\n')
}

/** A table of the fields, those of nested objects by their paths; of several shapes one table each. */
function fieldsOf(told: Shape): string {
  const shapes = told.anyOf ?? told.oneOf
  if (shapes) return shapes.map((one) => fieldsOf(one)).join('\n\nor\n\n')
  const rows = rowsOf(told, '')
  return rows.length === 0 ? `${typeOf(told)}.` : `| field | type | |\n|---|---|---|\n${rows.join('\n')}`
}

function rowsOf(told: Shape, before: string): readonly string[] {
  if (told.allOf) return told.allOf.flatMap((one) => rowsOf(one, before))
  return Object.entries(told.properties ?? {}).flatMap(([name, field]) => {
    const path = `${before}${name}`
    const isSure = told.required?.includes(name) ?? false
    const row = `| \`${path}\` | ${typeOf(field)}${isSure ? '' : ', optional'} | ${cell(field.description)} |`
    const below = field.items ? rowsOf(field.items, `${path}[].`) : rowsOf(field, `${path}.`)
    const shapes = (field.anyOf ?? field.oneOf ?? []).flatMap((one) => rowsOf(one, `${path}.`))
    return [row, ...below, ...new Set(shapes)]
  })
}

function typeOf(told: Shape): string {
  if (told.$ref !== undefined) return linkTo(told.$ref.split('/').at(-1) ?? '')
  if (told.enum) return told.enum.map((word) => `\`${String(word)}\``).join(' or ')
  if (told.const !== undefined) return `\`${JSON.stringify(told.const)}\``
  if (told.items) return `list of ${typeOf(told.items)}`
  const shapes = told.anyOf ?? told.oneOf
  if (shapes) return [...new Set(shapes.map((one) => typeOf(one)))].join(' or ')
  if (told.allOf) return 'object'
  return [told.type ?? 'anything'].flat().join(' or ')
}

function linkTo(name: string): string {
  return `[${name}](#${name.toLowerCase()})`
}

function cell(text = ''): string {
  return text.replaceAll('|', '\\|')
}
