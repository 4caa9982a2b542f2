/* facts: what this host says about itself in WELCOME and PONG. */
#ifndef ROTA_WORKER_FACTS_H
#define ROTA_WORKER_FACTS_H

#include "message.h"

/* MACHINE BOOT HOSTNAME SYSTEM CPUS MEM_TOTAL. $ROTA_TEST_MACHINE_ID overrides the machine id (a seam). */
void facts_lasting(struct message_writer *w);
/* CLOCK STAMP LOAD MEM_FREE DISK_FREE (of the filesystem of dir). */
void facts_changing(struct message_writer *w, const char *dir);

#endif
