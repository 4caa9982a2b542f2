/* program: where a program is. */
#ifndef ROTA_DOCTOR_PROGRAM_H
#define ROTA_DOCTOR_PROGRAM_H

/* The first program with this name in a search path (NULL: that of cron), free; NULL: there is none. */
char *program_find(const char *path, const char *name);
/* The program `rota` that belongs to this one, for a crontab; free. NULL: there is none. */
char *program_rota(void);

#endif
