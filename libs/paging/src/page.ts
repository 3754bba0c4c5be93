/** Part of a list. */
export interface Page<Item> {
  readonly items: Item[];
  /** Whether anything lies behind it. */
  readonly hasMore: boolean;
}

/** The page for `limit` of what was found when one more was asked for, of which not all need be here. */
export function pageOf<Row, Item>(
  { rows, found }: { readonly rows: readonly Row[]; readonly found: number },
  limit: number,
  toItem: (row: Row) => Item,
): Page<Item> {
  const items = rows.slice(0, limit).map(toItem);
  return { items, hasMore: found > items.length };
}
