/* What is asked of a run: hold, release, signal, cancel, lost. */
#include "catalogue_run.h"

static int request(int64_t id, enum request what, bool *done)
{
    begin();
    int rc = run_request(cat, id, what, 15, "bob", done, &err);
    if (rc < 0)
        catalogue_rollback(cat);
    else
        commit();
    return rc;
}

static int note(const struct event *event, void *arg)
{
    struct buf *out = arg;
    buf_addf(out, "%s %s %s;", event->kind, event->actor, event->detail ? event->detail : "-");
    return 0;
}

static char *events_after(int64_t after)
{
    struct buf out = {0};
    must(event_select(cat, after, note, &out, &err), &err);
    return buf_detach(&out);
}

static void test_requests(void)
{
    int64_t id = submit(cat, "held", 1), last;
    bool done;
    must(event_last(cat, &last, &err), &err);
    tap_int(request(id, REQUEST_RELEASE, &done), ERR_ANSWER, "only a held run can be released");
    tap_ok(strstr(err.msg, "is queued: only a held run can be released") != NULL, "and it says so");
    tap_ok(request(id, REQUEST_HOLD, &done) == 0 && done && state_of(id) == RUN_HELD,
           "a queued run is held at once");
    tap_int(claim(id, "db1", 1), ERR_ANSWER, "a held run is not claimed");
    tap_ok(request(id, REQUEST_RELEASE, &done) == 0 && done && state_of(id) == RUN_QUEUED,
           "and released at once");
    tap_int(request(id, REQUEST_SIGNAL, &done), ERR_ANSWER, "a queued run gets no signal");
    tap_ok(request(id, REQUEST_CANCEL, &done) == 0 && done && state_of(id) == RUN_CANCELLED,
           "a queued run is cancelled at once");
    struct run run = get(id);
    tap_ok(run.finished_at > 0 && run.reason && strcmp(run.reason, "cancelled by bob") == 0,
           "with the time and the one who did it");
    run_free(&run);
    tap_int(request(id, REQUEST_CANCEL, &done), ERR_ANSWER, "what is over cannot be cancelled");
    tap_ok(strstr(err.msg, "is over (cancelled)") != NULL, "and it says so");
    tap_int(request(424242, REQUEST_CANCEL, &done), ERR_ANSWER, "nor what is not there");
    char *text = events_after(last);
    tap_str(text, "hold bob -;release bob -;cancel bob -;", "the dispatcher reads what was asked");
    free(text);
}

static void test_requests_running(void)
{
    int64_t id = submit(cat, "busy", 1), last;
    bool done = true;
    (void)claim(id, "db1", 1);
    must(event_last(cat, &last, &err), &err);
    tap_int(request(id, REQUEST_HOLD, &done), ERR_ANSWER, "a started run cannot be held");
    tap_ok(request(id, REQUEST_SIGNAL, &done) == 0 && !done, "a started run may get a signal");
    tap_ok(request(id, REQUEST_CANCEL, &done) == 0 && !done && state_of(id) == RUN_STARTING,
           "a request to cancel it changes no state");
    struct run run = get(id);
    int64_t asked = run.cancel_at;
    run_free(&run);
    tap_ok(asked > 0, "but says when it was asked");
    tap_ok(request(id, REQUEST_CANCEL, &done) == 0, "asking again is allowed");
    run = get(id);
    tap_int(run.cancel_at, asked, "and the first time counts");
    run_free(&run);
    char *text = events_after(last);
    tap_str(text, "signal bob 15;cancel bob -;cancel bob -;", "the dispatcher reads each");
    free(text);
    struct run_end end = end_of(id, 1, RUN_QUEUED);
    end.attempt_state = RUN_FAILED;
    tap_int(finish(end), 0, "its attempt fails and would be tried again");
    tap_int(state_of(id), RUN_CANCELLED, "but a run that is to be cancelled is not");
    id = submit(cat, "gone", 1);
    tap_int(request(id, REQUEST_LOST, &done), ERR_ANSWER, "a queued run is not lost");
    (void)claim(id, "db1", 1);
    tap_ok(request(id, REQUEST_LOST, &done) == 0 && done,
           "a started one is lost at once when a person says so");
    tap_str(ask("SELECT state || ': ' || reason FROM v_runs WHERE job = 'gone'"),
            "lost: declared lost by bob", "with the one who said so");
    tap_int(finish(end_of(id, 1, RUN_SUCCEEDED)), ERR_ANSWER,
            "a result that comes later is dropped");
}

int main(void)
{
    test_begin();
    cat = must_open(in_dir("catalogue.db"), CATALOGUE_CREATE);
    test_requests();
    test_requests_running();
    catalogue_close(cat);
    return tap_done();
}
