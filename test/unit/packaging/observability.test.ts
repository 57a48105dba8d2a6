// The dashboard and the alert rules ask for nothing that /metrics does not have: metrics, labels and codes.
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { exposition } from '../../../src/platform/open-metrics.ts'
import { GAUGES, KNOWN_FAMILIES } from '../../../src/platform/metric-families.ts'
import { readExposition } from '../../world/exposition-reader.ts'

const ROOT = resolve(import.meta.dirname, '../../..')
const read = (path: string): string => readFileSync(resolve(ROOT, path), 'utf8')

const dashboardSchema = z.object({
  templating: z.object({ list: z.array(z.object({ name: z.string(), query: z.string() })) }),
  panels: z.array(
    z.object({
      id: z.int(),
      title: z.string().min(1),
      gridPos: z.object({ x: z.int(), y: z.int(), w: z.int(), h: z.int() }),
      targets: z.array(z.object({ expr: z.string() })).min(1),
    }),
  ),
})
const dashboard = dashboardSchema.parse(JSON.parse(read('selfhost/observability/grafana-dashboard.json')))
const alerts = read('selfhost/observability/prometheus-alerts.yaml')

/** Folded over lines where it is long. */
const RULES = [...alerts.matchAll(/^ +expr: (?:>-\n((?: {10,}.*\n)+)|(.*)\n)/gm)].map(([, folded, plain = '']) =>
  (folded ?? plain)
    .split('\n')
    .map((line) => line.trim())
    .join(' ')
    .trim(),
)
const EXPRESSIONS = [
  ...dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr)),
  ...dashboard.templating.list.map(({ query }) => query).filter((query) => query !== 'prometheus'),
  ...RULES,
]

type Labelled = readonly [name: string, labels: readonly string[]]

/** Names of samples with the labels they may have. */
const SAMPLES: ReadonlyMap<string, readonly string[]> = new Map<string, readonly string[]>([
  ['up', ['job']],
  ...Object.values(GAUGES).map(({ name }): Labelled => [name, ['job']]),
  ...[...KNOWN_FAMILIES.values()].flatMap(({ name, labels, bounds }): readonly Labelled[] => {
    const all = ['job', ...labels]
    if (!bounds) return [[`${name}_total`, all]]
    return [
      [`${name}_bucket`, [...all, 'le']],
      [`${name}_count`, all],
      [`${name}_sum`, all],
    ]
  }),
])

const SELECTOR = /\b(mcp_(?!method_name)[a-z_]+|up)(?:\{([^}]*)\})?/g
const selectorsOf = (expression: string): readonly (readonly [string, string])[] =>
  [...expression.replaceAll(/\b(?:by|without) \([^)]*\)/g, '').matchAll(SELECTOR)].map(([, name = '', matchers = '']) => [
    name,
    matchers,
  ])
const matchersOf = (text: string): readonly (readonly [string, string])[] =>
  [...text.matchAll(/([a-z_]+)(?:=~|!~|!=|=)"([^"]*)"/g)].map(([, label = '', value = '']) => [label, value])

test('there are rules and panels, each with a name of its own', () => {
  const names = [...alerts.matchAll(/- alert: (\w+)/g)].map(([, name]) => name)
  expect(names.length).toBeGreaterThan(5)
  expect(RULES).toHaveLength(names.length)
  expect(new Set(names).size).toBe(names.length)
  const { panels } = dashboard
  expect(new Set(panels.map(({ title }) => title)).size).toBe(panels.length)
  expect(new Set(panels.map(({ gridPos: { x, y } }) => `${x} ${y}`)).size).toBe(panels.length)
})

describe('an expression', () => {
  test.for(EXPRESSIONS.map((expression) => [expression]))('%s', ([expression = '']) => {
    const selectors = selectorsOf(expression)
    expect(selectors.length).toBeGreaterThan(0)
    for (const [name, matchers] of selectors) {
      const labels = SAMPLES.get(name)
      expect(labels, `${name} is exposed`).toBeDefined()
      expect(labels).toEqual(expect.arrayContaining(matchersOf(matchers).map(([label]) => label)))
      for (const [, grouped = ''] of expression.matchAll(/\bby \(([^)]*)\)/g))
        expect(labels, `${name} has ${grouped}`).toEqual(expect.arrayContaining(grouped.split(/, */)))
    }
    for (const [open, close] of [
      ['(', ')'],
      ['{', '}'],
      ['[', ']'],
    ] as const)
      expect(expression.split(open)).toHaveLength(expression.split(close).length)
  })

  test('asks for codes that there are', () => {
    const known = [...read('docs/reference/errors.md').matchAll(/^### (.*)$/gm)].flatMap(([, title = '']) =>
      [...title.matchAll(/`([a-z_]+)`/g)].map(([, code]) => code),
    )
    const asked = EXPRESSIONS.flatMap((expression) => selectorsOf(expression))
      .flatMap(([, matchers]) => matchersOf(matchers))
      .flatMap(([label, value]) => (label === 'code' ? value.split('|') : []))
    expect(asked.length).toBeGreaterThan(3)
    expect(asked.filter((code) => !known.includes(code))).toEqual([])
  })
})

test('every metric stands in the documents, and in a panel or a rule', () => {
  const text = exposition({ sums: {}, gauges: { streamsOpen: 0, leasesOut: 0, isolatesReporting: 0 } }, 'openmetrics')
  const families = Object.keys(readExposition(text).types)
  const page = read('docs/operations/observability.md')
  expect(families.filter((family) => !page.includes(`\`${family}`))).toEqual([])
  const used = EXPRESSIONS.join(' ')
  expect(families.filter((family) => !used.includes(family))).toEqual([])
})
