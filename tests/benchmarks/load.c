/* Asks a DNS server over UDP, checks every reply, and tells how it went.
 *
 *   load HOST PORT FILE FIRST COUNT SECONDS WINDOW SOCKETS RATE PATIENCE
 *
 * FILE holds queries as they go over TCP: two octets of length, then the message. Questions FIRST
 * to FIRST+COUNT are asked in order, over and over where SECONDS is greater than 0 and once where it
 * is 0. WINDOW questions are on their way at most on each of SOCKETS sockets. RATE is questions a
 * second over all sockets, 0 for as many as the window lets through. PATIENCE is the seconds after
 * which a question is lost.
 *
 * A reply counts where it comes to the socket that asked, under the id that asked, with QR set and
 * the question octet for octet. Ids are a place in the window and a generation, so that a reply to a
 * question that was given up is told from one to the next question. Latency ends when the reply
 * lies in the socket (the kernel's timestamp): the time until this program runs again is not the
 * server's.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define BATCH 64
#define REPLY_OCTETS 4096
#define QUERY_OCTETS 512
#define HEADER 12
#define BUFFER (4 << 20)
#define SAMPLES (1 << 22)

struct place {
    uint32_t question; /* number in the file */
    uint16_t generation;
    uint16_t busy;
    uint64_t sent;
};

struct asker {
    int fd;
    struct place *places;
    uint16_t *spare; /* a queue: the place that rested longest is next */
    unsigned spare_first, spare_count;
};

static const uint8_t **questions;
static uint16_t *lengths;
static uint32_t question_count, next_question, first_question, last_question;
static unsigned window, shift, sockets;
static int endless;
static uint64_t sent, received, lost, strays, wrong, truncated, rcodes[16], empty;
static uint32_t *samples;
static uint64_t sample_count, last_reply, patience_ns;
static struct mmsghdr out[BATCH], in[BATCH];
static struct iovec out_parts[BATCH][2], in_parts[BATCH];
static uint8_t ids[BATCH][2], replies[BATCH][REPLY_OCTETS];
static char controls[BATCH][64];

static void die(const char *what) {
    fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
    exit(1);
}

static uint64_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (uint64_t)t.tv_sec * 1000000000ull + t.tv_nsec;
}

static void read_questions(const char *path) {
    int fd = open(path, O_RDONLY);
    struct stat status;
    if (fd < 0 || fstat(fd, &status) < 0) die(path);
    const uint8_t *file = mmap(NULL, status.st_size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
    if (file == MAP_FAILED) die(path);
    for (off_t at = 0; at + 2 <= status.st_size; at += 2 + (file[at] << 8 | file[at + 1])) {
        uint32_t length = file[at] << 8 | file[at + 1];
        if (length < HEADER + 5 || length > QUERY_OCTETS || at + 2 + length > status.st_size) {
            errno = EINVAL;
            die(path);
        }
        if (question_count % 65536 == 0) {
            questions = realloc(questions, (question_count + 65536) * sizeof *questions);
            lengths = realloc(lengths, (question_count + 65536) * sizeof *lengths);
            if (!questions || !lengths) die("memory");
        }
        questions[question_count] = file + at + 2;
        lengths[question_count++] = length;
    }
    close(fd);
}

static uint32_t question_octets(const uint8_t *message) {
    uint32_t at = HEADER;
    while (message[at]) at += message[at] + 1;
    return at + 5 - HEADER;
}

/* Sends up to `allowed` questions; returns how many. */
static unsigned ask(struct asker *asker, unsigned allowed) {
    unsigned total = 0;
    while (total < allowed && asker->spare_count) {
        if (next_question == last_question) {
            if (!endless) break;
            next_question = first_question;
        }
        unsigned count = 0;
        uint64_t time = now();
        while (count < BATCH && total + count < allowed && asker->spare_count
               && next_question < last_question) {
            uint16_t number = asker->spare[asker->spare_first];
            asker->spare_first = (asker->spare_first + 1) % window;
            asker->spare_count--;
            struct place *place = &asker->places[number];
            place->question = next_question++;
            place->busy = 1;
            place->sent = time;
            uint16_t id = place->generation << shift | number;
            ids[count][0] = id >> 8;
            ids[count][1] = id;
            out_parts[count][1].iov_base = (void *)(questions[place->question] + 2);
            out_parts[count][1].iov_len = lengths[place->question] - 2;
            count++;
        }
        for (unsigned done = 0; done < count;) {
            int taken = sendmmsg(asker->fd, out + done, count - done, 0);
            if (taken < 0) {
                if (errno == EINTR || errno == EAGAIN || errno == ECONNREFUSED) continue;
                die("sendmmsg");
            }
            done += taken;
        }
        total += count;
        sent += count;
    }
    return total;
}

static void rest(struct asker *asker, unsigned number) {
    struct place *place = &asker->places[number];
    place->busy = 0;
    place->generation++;
    asker->spare[(asker->spare_first + asker->spare_count++) % window] = number;
}

static uint64_t arrival(struct msghdr *header) {
    struct cmsghdr *control = CMSG_FIRSTHDR(header);
    if (control && control->cmsg_type == SO_TIMESTAMPNS) {
        struct timespec t;
        memcpy(&t, CMSG_DATA(control), sizeof t);
        return (uint64_t)t.tv_sec * 1000000000ull + t.tv_nsec;
    }
    return now();
}

static void check(struct asker *asker, const uint8_t *reply, unsigned length, uint64_t time) {
    if (length < HEADER) {
        wrong++;
        return;
    }
    uint16_t id = reply[0] << 8 | reply[1];
    unsigned number = id & ((1u << shift) - 1);
    struct place *place = number < window ? &asker->places[number] : NULL;
    if (!place || !place->busy || (uint16_t)(place->generation << shift | number) != id) {
        strays++;
        return;
    }
    const uint8_t *query = questions[place->question];
    unsigned octets = question_octets(query);
    if (!(reply[2] & 0x80) || reply[4] || reply[5] != 1 || length < HEADER + octets
        || memcmp(query + HEADER, reply + HEADER, octets))
        wrong++;
    if (reply[2] & 0x02) truncated++;
    if (!reply[6] && !reply[7]) empty++;
    rcodes[reply[3] & 0x0f]++;
    if (sample_count < SAMPLES) samples[sample_count++] = time > place->sent ? time - place->sent : 0;
    last_reply = time;
    received++;
    rest(asker, number);
}

/* Takes what has come; returns how many. */
static unsigned take(struct asker *asker) {
    unsigned total = 0;
    for (;;) {
        for (unsigned i = 0; i < BATCH; i++) in[i].msg_hdr.msg_controllen = sizeof controls[i];
        int count = recvmmsg(asker->fd, in, BATCH, MSG_DONTWAIT, NULL);
        if (count < 0) {
            if (errno == EAGAIN || errno == EINTR || errno == ECONNREFUSED) return total;
            die("recvmmsg");
        }
        for (int i = 0; i < count; i++)
            check(asker, replies[i], in[i].msg_len, arrival(&in[i].msg_hdr));
        total += count;
        if (count < BATCH) return total;
    }
}

static void give_up(struct asker *asker, uint64_t time) {
    for (unsigned i = 0; i < window; i++)
        if (asker->places[i].busy && time - asker->places[i].sent > patience_ns) {
            lost++;
            rest(asker, i);
        }
}

static int by_size(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static double share(double part) {
    return sample_count ? samples[(uint64_t)(part * (sample_count - 1))] / 1e3 : 0;
}

static void open_asker(struct asker *asker, const char *host, int port) {
    struct sockaddr_in server = {.sin_family = AF_INET, .sin_port = htons(port)};
    int size = BUFFER, yes = 1;
    if (inet_pton(AF_INET, host, &server.sin_addr) != 1) die(host);
    asker->fd = socket(AF_INET, SOCK_DGRAM, 0);
    if (asker->fd < 0 || connect(asker->fd, (void *)&server, sizeof server)) die("socket");
    if (setsockopt(asker->fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size))
        setsockopt(asker->fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    setsockopt(asker->fd, SOL_SOCKET, SO_TIMESTAMPNS, &yes, sizeof yes);
    asker->places = calloc(window, sizeof *asker->places);
    asker->spare = calloc(window, sizeof *asker->spare);
    if (!asker->places || !asker->spare) die("memory");
    for (unsigned i = 0; i < window; i++) asker->spare[i] = i;
    asker->spare_count = window;
}

int main(int argc, char **argv) {
    if (argc != 11) {
        fprintf(stderr, "load HOST PORT FILE FIRST COUNT SECONDS WINDOW SOCKETS RATE PATIENCE\n");
        return 2;
    }
    read_questions(argv[3]);
    first_question = next_question = strtoul(argv[4], NULL, 10);
    last_question = first_question + strtoul(argv[5], NULL, 10);
    double seconds = atof(argv[6]), rate = atof(argv[9]);
    window = atoi(argv[7]);
    sockets = atoi(argv[8]);
    endless = seconds > 0;
    patience_ns = atof(argv[10]) * 1e9;
    if (first_question >= last_question || last_question > question_count || !window
        || window > 4096 || !sockets) {
        fprintf(stderr, "load: the file has %u questions\n", question_count);
        return 2;
    }
    while (1u << shift < window) shift++;
    prctl(PR_SET_TIMERSLACK, 1);
    struct asker *askers = calloc(sockets, sizeof *askers);
    struct pollfd *polled = calloc(sockets, sizeof *polled);
    samples = malloc(SAMPLES * sizeof *samples);
    if (!askers || !polled || !samples) die("memory");
    memset(samples, 0, SAMPLES * sizeof *samples);
    for (unsigned i = 0; i < sockets; i++) {
        open_asker(&askers[i], argv[1], atoi(argv[2]));
        polled[i] = (struct pollfd){.fd = askers[i].fd, .events = POLLIN};
    }
    for (unsigned i = 0; i < BATCH; i++) {
        out_parts[i][0] = (struct iovec){ids[i], 2};
        out[i].msg_hdr = (struct msghdr){.msg_iov = out_parts[i], .msg_iovlen = 2};
        in_parts[i] = (struct iovec){replies[i], REPLY_OCTETS};
        in[i].msg_hdr = (struct msghdr){
            .msg_iov = &in_parts[i], .msg_iovlen = 1, .msg_control = controls[i]};
    }

    uint64_t began = now(), until = began + (uint64_t)(seconds * 1e9), looked = began;
    unsigned turn = 0;
    for (;;) {
        uint64_t time = now();
        int asking = endless ? time < until : next_question < last_question;
        struct timespec wait = {0, 100000000};
        if (asking && rate > 0) {
            uint64_t due = (time - began) / 1e9 * rate;
            for (unsigned i = 0; i < sockets && sent < due; i++, turn++)
                ask(&askers[turn % sockets], due - sent);
            double next = (sent + 1) / rate * 1e9 - (now() - began);
            wait.tv_nsec = next < 0 ? 0 : next > 1e8 ? 100000000 : (long)next;
        } else if (asking) {
            for (unsigned i = 0; i < sockets; i++)
                if (askers[i].spare_count) ask(&askers[i], window);
        }
        if (!asking && received + lost >= sent) break;
        if (ppoll(polled, sockets, &wait, NULL) < 0 && errno != EINTR) die("ppoll");
        for (unsigned i = 0; i < sockets; i++)
            if (polled[i].revents) take(&askers[i]);
        time = now();
        if (time - looked > 100000000ull) {
            looked = time;
            for (unsigned i = 0; i < sockets; i++) give_up(&askers[i], time);
        }
    }
    double took = last_reply > began ? (last_reply - began) / 1e9 : 0;
    qsort(samples, sample_count, sizeof *samples, by_size);
    printf("{\"sent\": %lu, \"received\": %lu, \"lost\": %lu, \"strays\": %lu, \"wrong\": %lu, "
           "\"truncated\": %lu, \"empty\": %lu, \"seconds\": %.6f, \"p50\": %.1f, \"p99\": %.1f, "
           "\"p999\": %.1f, \"longest\": %.1f, \"rcodes\": [",
           sent, received, lost, strays, wrong, truncated, empty, took, share(0.5), share(0.99),
           share(0.999), share(1));
    for (unsigned i = 0; i < 16; i++) printf("%s%lu", i ? ", " : "", rcodes[i]);
    printf("]}\n");
    return 0;
}
