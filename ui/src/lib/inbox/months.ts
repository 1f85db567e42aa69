import { m } from '$paraglide/messages';

/** 6 meses, 2 anos: for how long files are kept. */
export function months(count: number): string {
  if (count === 12) return m.months_year();
  if (count % 12 === 0) return m.months_years({ count: count / 12 });
  return count === 1 ? m.months_month() : m.months_months({ count });
}
