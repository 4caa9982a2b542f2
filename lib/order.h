/* order: comparing, for qsort(3), bsearch(3) and tsearch(3). */
#ifndef ROTA_ORDER_H
#define ROTA_ORDER_H

/* By the int64_t that both begin with: numbers, or structures whose first member is one. */
int order_by_number(const void *a, const void *b);

#endif
