#include "matcher/engine/units.h"

#include <string.h>

#include "base/mem.h"

enum {
  MANY_GROUPS = 4, /* a thread: then whole parts of the last are small enough */
  PIECES_A_PART = 4
};

static size_t least(size_t a, size_t b)
{
  return a < b ? a : b;
}

static size_t most(size_t a, size_t b)
{
  return a > b ? a : b;
}

static const struct kith_strata *strata_of(const struct kith_units *units, unsigned party)
{
  return &units->plan->strata[party];
}

static const struct kith_pigeon_cut *cuts_of(const struct kith_plan *plan, unsigned party_a,
                                             unsigned party_b)
{
  return plan->joins[party_a * KITH_ENGINE_PARTIES_MAX + party_b].cuts;
}

/* ---- joins */

static void add_joins(struct kith_units *units, unsigned a, unsigned b)
{
  const struct kith_strata *of_a = strata_of(units, a);
  const struct kith_strata *of_b = strata_of(units, b);
  const struct kith_pigeon_cut *cuts = cuts_of(units->plan, a, b);
  for (unsigned s = 0; cuts && s < of_a->n; s++)
    for (unsigned t = 0; t < of_b->n; t++) {
      const struct kith_pigeon_cut *cut = &cuts[s * of_b->n + t];
      const struct kith_stratum *from = &of_a->items[s];
      const struct kith_stratum *to = &of_b->items[t];
      if (!cut->n_parts)
        continue;
      units->joins[units->n_joins++] = (struct kith_units_join){.party_a = (uint8_t)a,
                                                                .party_b = (uint8_t)b,
                                                                .from = *from,
                                                                .to = *to,
                                                                .cut = *cut,
                                                                .first_group = units->n_groups,
                                                                .first_step = units->n_join_steps};
      units->n_groups += cut->n_groups;
      units->n_join_steps += (size_t)cut->n_groups * kith_pigeon_steps(cut);
      units->joins[units->n_joins - 1].pairs =
          kith_task_pairs(from->first, from->end, to->first, to->end, a == b);
      units->joined_pairs += units->joins[units->n_joins - 1].pairs;
      units->join_rows_max =
          most(units->join_rows_max, most(from->end - from->first, to->end - to->first));
    }
}

static const struct kith_units_join *join_of(const struct kith_units *units, size_t group)
{
  size_t low = 0;
  for (size_t high = units->n_joins; high - low > 1;) {
    size_t middle = low + (high - low) / 2;
    if (units->joins[middle].first_group <= group)
      low = middle;
    else
      high = middle;
  }
  return &units->joins[low];
}

/* A group takes long, and all threads but one might wait for the last. A piece prepares its group's
 * words and its part's buckets anew, so no more groups are cut than keep all threads busy to the
 * end. */
static enum kith_err cut_last_groups(struct kith_units *units, unsigned n_threads)
{
  const size_t n_last = n_threads > 1 ? least(units->n_groups, n_threads) : 0;
  const bool many = units->n_groups >= (size_t)MANY_GROUPS * n_threads;
  const size_t piece_steps = many ? KITH_PIGEON_STEPS : KITH_PIGEON_STEPS / PIECES_A_PART;
  size_t n_pieces = 0;
  units->n_whole = units->n_groups - n_last;
  for (size_t group = units->n_whole; group < units->n_groups; group++)
    n_pieces += kith_pigeon_steps(&join_of(units, group)->cut) / piece_steps;
  units->pieces = KITH_NEW_ARRAY(struct kith_units_piece, n_pieces + 1);
  if (!units->pieces)
    return KITH_ERR_MEMORY;
  units->n_join_units = units->n_whole + n_pieces;
  units->n = units->n_join_units;
  n_pieces = 0;
  for (size_t group = units->n_whole; group < units->n_groups; group++)
    for (size_t step = 0; step < kith_pigeon_steps(&join_of(units, group)->cut);
         step += piece_steps)
      units->pieces[n_pieces++] = (struct kith_units_piece){group, step, step + piece_steps};
  return KITH_OK;
}

enum kith_err kith_units_list_joins(struct kith_units *out, const struct kith_pack *packs,
                                    unsigned n_packs, const struct kith_plan *plan,
                                    unsigned n_threads)
{
  size_t n = 0;
  *out = (struct kith_units){.packs = packs, .plan = plan};
  for (unsigned a = 0; a < n_packs; a++)
    for (unsigned b = a; b < n_packs; b++)
      n += cuts_of(plan, a, b) ? (size_t)plan->strata[a].n * plan->strata[b].n : 0;
  out->joins = KITH_NEW_ARRAY(struct kith_units_join, n + 1);
  if (!out->joins)
    return KITH_ERR_MEMORY;
  for (unsigned a = 0; a < n_packs; a++)
    for (unsigned b = a; b < n_packs; b++)
      add_joins(out, a, b);
  return cut_last_groups(out, n_threads);
}

void kith_units_free(struct kith_units *units)
{
  kith_free(units->joins);
  kith_free(units->pieces);
  memset(units, 0, sizeof *units);
}

struct kith_pigeon_task kith_units_join_at(const struct kith_units *units, size_t unit)
{
  const bool whole = unit < units->n_whole;
  const struct kith_units_piece *piece = &units->pieces[whole ? 0 : unit - units->n_whole];
  const size_t group = whole ? unit : piece->group;
  const struct kith_units_join *join = join_of(units, group);
  const size_t n_steps = kith_pigeon_steps(&join->cut);
  return (struct kith_pigeon_task){
      .a = &units->packs[join->party_a],
      .b = &units->packs[join->party_b],
      .party_a = join->party_a,
      .party_b = join->party_b,
      .from = join->from,
      .to = join->to,
      .cut = join->cut,
      .group = (uint32_t)(group - join->first_group),
      .group_step = join->first_step + (group - join->first_group) * n_steps,
      .first = whole ? 0 : piece->first,
      .end = whole ? n_steps : piece->end,
  };
}

/* ---- scans */

static void add_scan(struct kith_units *units, unsigned a, unsigned b)
{
  struct kith_units_scan *scan = &units->scans[units->n_scans];
  *scan = (struct kith_units_scan){
      .party_a = (uint8_t)a,
      .party_b = (uint8_t)b,
      .n_chunks = (units->packs[a].n_rows + units->chunk_rows - 1) / units->chunk_rows,
      .n_ranges = (units->packs[b].n_blocks + units->range_blocks - 1) / units->range_blocks,
      .first_unit = units->n};
  units->n += scan->n_chunks * scan->n_ranges;
  units->n_scans += scan->n_chunks * scan->n_ranges > 0;
}

void kith_units_list_scans(struct kith_units *units, unsigned n_packs,
                           const struct kith_task_setting *setting,
                           const struct kith_engine_options *options)
{
  units->chunk_rows = setting->chunk_quads * KITH_KERNEL_QUERIES;
  units->range_blocks = setting->tile_blocks * KITH_TASK_TILES;
  for (unsigned a = 0; a < n_packs; a++)
    for (unsigned b = a; b < n_packs; b++)
      if (kith_engine_wants(options, n_packs, a, b))
        add_scan(units, a, b);
}

/* The pairs of a scan that joins see to. */
static uint64_t joined_pairs(const struct kith_units *units, const struct kith_task *task)
{
  const struct kith_strata *a = strata_of(units, task->party_a);
  const struct kith_strata *b = strata_of(units, task->party_b);
  const size_t first_b = task->first_block * KITH_KERNEL_LANES;
  const size_t end_b = task->end_block * KITH_KERNEL_LANES;
  uint64_t n = 0;
  if (!task->joined)
    return 0;
  for (unsigned s = 0; s < a->n; s++)
    for (unsigned t = 0; t < b->n; t++)
      if (task->joined[s * b->n + t].n_parts)
        n += kith_task_pairs(
            most(task->first_row, a->items[s].first), least(task->end_row, a->items[s].end),
            most(first_b, b->items[t].first), least(end_b, b->items[t].end), task->a == task->b);
  return n;
}

/* Units of a pair of parties go range by range, so that neighbours in time share the range in the
 * cache. */
struct kith_task kith_units_scan_at(const struct kith_units *units, size_t unit, uint64_t *pairs)
{
  size_t s = units->n_scans - 1;
  while (units->scans[s].first_unit > unit)
    s--;
  const struct kith_units_scan *scan = &units->scans[s];
  const struct kith_pack *a = &units->packs[scan->party_a];
  const struct kith_pack *b = &units->packs[scan->party_b];
  const size_t chunk = (unit - scan->first_unit) % scan->n_chunks;
  const size_t range = (unit - scan->first_unit) / scan->n_chunks;
  const struct kith_task task = {
      .a = a,
      .b = b,
      .party_a = scan->party_a,
      .party_b = scan->party_b,
      .first_row = chunk * units->chunk_rows,
      .end_row = least((chunk + 1) * units->chunk_rows, a->n_rows),
      .first_block = range * units->range_blocks,
      .end_block = least((range + 1) * units->range_blocks, b->n_blocks),
      .joined = cuts_of(units->plan, scan->party_a, scan->party_b),
      .n_strata_b = strata_of(units, scan->party_b)->n,
  };
  *pairs = kith_task_comparisons(&task) - joined_pairs(units, &task);
  return task;
}

/* ---- steps */

size_t kith_units_steps(const struct kith_units *units)
{
  return units->n_join_steps + units->n - units->n_join_units;
}

size_t kith_units_step_of_scan(const struct kith_units *units, size_t unit)
{
  return units->n_join_steps + unit - units->n_join_units;
}

/* `part` of n equal parts of `all`, which may be near 2^64. */
static uint64_t share_of(uint64_t all, uint64_t part, uint64_t n)
{
  return (uint64_t)((unsigned __int128)all * (part + 1) / n - (unsigned __int128)all * part / n);
}

uint64_t kith_units_step_pairs(const struct kith_units *units, size_t step)
{
  uint64_t pairs = 0;
  if (step >= units->n_join_steps) {
    (void)kith_units_scan_at(units, step - units->n_join_steps + units->n_join_units, &pairs);
    return pairs;
  }
  size_t low = 0;
  for (size_t high = units->n_joins; high - low > 1;) {
    size_t middle = low + (high - low) / 2;
    if (units->joins[middle].first_step <= step)
      low = middle;
    else
      high = middle;
  }
  const struct kith_units_join *join = &units->joins[low];
  return share_of(join->pairs, step - join->first_step,
                  join->cut.n_groups * (uint64_t)kith_pigeon_steps(&join->cut));
}

/* ---- layout */

/* FNV-1a. */
static uint64_t mix(uint64_t hash, uint64_t value)
{
  for (unsigned i = 0; i < 64; i += 8)
    hash = (hash ^ (value >> i & 0xff)) * UINT64_C(1099511628211);
  return hash;
}

uint64_t kith_units_layout(const struct kith_units *units)
{
  uint64_t hash = UINT64_C(14695981039346656037);
  hash = mix(hash, kith_units_steps(units));
  hash = mix(hash, units->chunk_rows);
  hash = mix(hash, units->range_blocks);
  for (size_t j = 0; j < units->n_joins; j++) {
    const struct kith_units_join *join = &units->joins[j];
    hash = mix(hash, (uint64_t)join->party_a << 8 | join->party_b);
    hash = mix(hash, (uint64_t)join->from.first << 32 | join->from.end);
    hash = mix(hash, (uint64_t)join->to.first << 32 | join->to.end);
    hash = mix(hash, (uint64_t)join->cut.n_groups << 32 | join->cut.n_parts);
  }
  for (size_t s = 0; s < units->n_scans; s++)
    hash = mix(hash, (uint64_t)(units->scans[s].first_unit - units->n_join_units) << 16 |
                         (uint64_t)units->scans[s].party_a << 8 | units->scans[s].party_b);
  return hash;
}
