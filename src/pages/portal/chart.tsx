// A small chart of counts per hour: bars in inline SVG, its words beside it, and one sentence for who does not see it.

interface Series {
  readonly label: string
  /** One count per hour, the oldest first. */
  readonly counts: readonly number[]
}

interface HoursChart {
  readonly id: string
  readonly title: string
  readonly series: readonly [Series, ...Series[]]
}

const BAR = 10
const GAP = 4
const HEIGHT = 100
const CLASSES = ['series-1', 'series-3', 'series-2', 'series-4'] as const

function at(one: Series, hour: number): number {
  return one.counts[hour] ?? 0
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0)
}

/** Bars of one hour stand on each other. */
export function HoursChart({ id, title, series }: HoursChart) {
  const hours = Math.max(...series.map(({ counts }) => counts.length))
  const stacked = Array.from({ length: hours }, (_, hour) => sum(series.map((one) => at(one, hour))))
  const tallest = Math.max(...stacked, 1)
  const below = (index: number, hour: number): number => sum(series.slice(0, index).map((one) => at(one, hour)))
  const words = series.map(({ label, counts }) => `${label}: ${sum(counts)}`).join(', ')
  return (
    <figure class="figure" id={id}>
      <figcaption class="figure-title">{title}</figcaption>
      <svg
        class="chart"
        viewBox={`0 0 ${hours * BAR} ${HEIGHT}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={`${title}. In ${hours} hours, ${words}. Most in one hour: ${Math.max(...stacked, 0)}.`}
      >
        {series.map((one, index) => (
          <g class={CLASSES[index] ?? 'series-4'}>
            {one.counts.map((count, hour) => {
              const height = (count / tallest) * HEIGHT
              const y = HEIGHT - height - (below(index, hour) / tallest) * HEIGHT
              return count === 0 ? null : (
                <rect class="bar" x={hour * BAR + GAP / 2} y={y.toFixed(2)} width={BAR - GAP} height={height.toFixed(2)} />
              )
            })}
          </g>
        ))}
        <line class="axis" x1="0" y1={HEIGHT} x2={hours * BAR} y2={HEIGHT} />
      </svg>
      <div class="chart-labels" aria-hidden="true">
        <span>{hours} h ago</span>
        <span>{Math.round(hours / 2)} h ago</span>
        <span>now</span>
      </div>
      <ul class="legend">
        {series.map(({ label, counts }, index) => (
          <li class={CLASSES[index] ?? 'series-4'}>
            {label} <strong>{sum(counts)}</strong>
          </li>
        ))}
      </ul>
    </figure>
  )
}
