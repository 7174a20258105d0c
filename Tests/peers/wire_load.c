// Loads a client proxy with requests that were encoded beforehand, for a benchmark of what the
// servers do: this program costs them next to no processor time.
//
// usage: wire-load ENDPOINT FRAMES REPLY IN_FLIGHT MILLISECONDS
//
// FRAMES is a file of requests in the order in which they are sent, over and over: for each, two
// numbers of 32 bits, most significant byte first, and the bytes of a `ClientRequest`. The first
// number is where in it 16 bytes are that must be new each time (an action's id), or 2^32 - 1; the
// second is how many bytes there are. The first request is the `hello`. REPLY is the number of the
// field of `ClientReply` that answers the others.
//
// Keeps IN_FLIGHT requests under way on one connection and checks of every reply that it answers
// one of them with what was asked for. Prints one JSON object: the operations done, the seconds
// that they took, and their latencies' 50th and 99th percentile in microseconds. Ends with 1, and
// says why, when a reply is anything else, or none comes for ten seconds.
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <zmq.h>

enum { headerBytes = 44, kindRequest = 5, kindReply = 6, inFlightMax = 65536 };
enum { welcomeField = 10, patience = 10000 };
static const uint32_t noPlace = UINT32_MAX;

struct request {
  uint8_t *bytes;
  size_t count;
  uint32_t place;
};

struct load {
  void *socket;
  struct request *requests;
  size_t requestCount;
  uint8_t cluster[16];
  // Of each request under way, by its number modulo the power of two that is one less than this.
  uint64_t mask;
  double *sent;
  uint64_t *numbers;
  uint64_t lastNumber;
};

static void fail(const char *what) {
  fprintf(stderr, "wire-load: %s\n", what);
  exit(1);
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec * 1e6 + (double)time.tv_nsec / 1e3;
}

static void put(uint8_t *bytes, uint64_t number, int count) {
  for (int index = count - 1; index >= 0; index--, number >>= 8) bytes[index] = (uint8_t)number;
}

static uint64_t get(const uint8_t *bytes, int count) {
  uint64_t number = 0;
  for (int index = 0; index < count; index++) number = number << 8 | bytes[index];
  return number;
}

static uint32_t take(FILE *file, int *isEnd) {
  uint8_t bytes[4];
  size_t count = fread(bytes, 1, sizeof bytes, file);
  *isEnd = count == 0;
  if (count != 0 && count != sizeof bytes) fail("the file of requests ends within a number");
  return (uint32_t)get(bytes, 4);
}

static void readRequests(struct load *load, const char *path) {
  FILE *file = fopen(path, "rb");
  if (!file) fail("the file of requests cannot be read");
  for (;;) {
    int isEnd;
    uint32_t place = take(file, &isEnd);
    if (isEnd) break;
    uint32_t count = take(file, &isEnd);
    if (isEnd || count == 0 || count > 8u << 20) fail("a request has no sensible size");
    if (place != noPlace && (place > count || count - place < 16)) fail("an id is outside");
    uint8_t *bytes = malloc(count);
    size_t size = (load->requestCount + 1) * sizeof(struct request);
    load->requests = realloc(load->requests, size);
    if (!bytes || !load->requests) fail("out of memory");
    if (fread(bytes, 1, count, file) != count) fail("the file ends within a request");
    load->requests[load->requestCount++] = (struct request){bytes, count, place};
  }
  fclose(file);
  if (load->requestCount < 2) fail("there is nothing to ask for");
}

// Sends the next request, the first one of all being number 1.
static void sendNext(struct load *load) {
  uint64_t number = ++load->lastNumber;
  size_t index = number == 1 ? 0 : 1 + (number - 2) % (load->requestCount - 1);
  struct request *request = &load->requests[index];
  if (request->place != noPlace) put(request->bytes + request->place + 8, number, 8);
  uint8_t header[headerBytes] = {'O', 'P', 'T', 'Y', 0, 1, 0, kindRequest};
  put(header + 8, number, 8);
  put(header + 16, patience, 4);
  if (number != 1) memcpy(header + 20, load->cluster, sizeof load->cluster);
  load->numbers[number & load->mask] = number;
  load->sent[number & load->mask] = now();
  if (zmq_send(load->socket, header, sizeof header, ZMQ_SNDMORE) < 0 ||
      zmq_send(load->socket, request->bytes, request->count, 0) < 0)
    fail(zmq_strerror(errno));
}

// Takes one reply. Returns how long it took.
static double receive(struct load *load, unsigned field) {
  uint8_t header[headerBytes];
  int count = zmq_recv(load->socket, header, sizeof header, 0);
  if (count < 0) fail(errno == EAGAIN ? "no reply for ten seconds" : zmq_strerror(errno));
  zmq_msg_t payload;
  zmq_msg_init(&payload);
  if (count != headerBytes || zmq_msg_recv(&payload, load->socket, 0) < 0) fail("half a reply");
  if (get(header + 6, 2) != kindReply) fail("a reply of another kind: an error");
  uint64_t number = get(header + 8, 8);
  if (load->numbers[number & load->mask] != number || number == 0) fail("nobody asked for this");
  load->numbers[number & load->mask] = 0;
  // The key of the first field: its number, and that it has a length.
  const uint8_t *bytes = zmq_msg_data(&payload);
  size_t size = zmq_msg_size(&payload);
  unsigned key = size == 0 ? 0 : bytes[0] & 0x7f;
  if (size > 1 && bytes[0] & 0x80) key |= (unsigned)(bytes[1] & 0x7f) << 7;
  if (key != (field << 3 | 2)) {
    fprintf(stderr, "wire-load: field %u instead of %u\n", key >> 3, field);
    fwrite(bytes, 1, size < 400 ? size : 400, stderr);
    exit(1);
  }
  if (number == 1) memcpy(load->cluster, header + 20, sizeof load->cluster);
  zmq_msg_close(&payload);
  return now() - load->sent[number & load->mask];
}

static int compare(const void *left, const void *right) {
  double difference = *(const double *)left - *(const double *)right;
  return difference < 0 ? -1 : difference > 0;
}

int main(int argumentCount, char **arguments) {
  if (argumentCount != 6) fail("usage: wire-load ENDPOINT FRAMES REPLY IN_FLIGHT MILLISECONDS");
  struct load load = {0};
  readRequests(&load, arguments[2]);
  unsigned field = (unsigned)atoi(arguments[3]);
  long inFlight = atol(arguments[4]);
  double time = atof(arguments[5]) * 1e3;
  if (inFlight < 1 || inFlight > inFlightMax) fail("IN_FLIGHT is from 1 to 65,536");
  if (time <= 0) fail("MILLISECONDS is above 0");
  // Replies come in any order: one that is late must not meet the number of another request.
  load.mask = 1;
  while (load.mask < (uint64_t)inFlight * 64) load.mask <<= 1;
  load.sent = calloc(load.mask, sizeof *load.sent);
  load.numbers = calloc(load.mask, sizeof *load.numbers);
  size_t room = 1 << 22, doneCount = 0;
  double *latencies = malloc(room * sizeof *latencies);
  if (!load.sent || !load.numbers || !latencies) fail("out of memory");
  load.mask -= 1;

  void *context = zmq_ctx_new();
  load.socket = zmq_socket(context, ZMQ_DEALER);
  int none = 0, wait = patience;
  zmq_setsockopt(load.socket, ZMQ_SNDHWM, &none, sizeof none);
  zmq_setsockopt(load.socket, ZMQ_RCVHWM, &none, sizeof none);
  zmq_setsockopt(load.socket, ZMQ_LINGER, &none, sizeof none);
  zmq_setsockopt(load.socket, ZMQ_RCVTIMEO, &wait, sizeof wait);
  if (zmq_connect(load.socket, arguments[1]) != 0) fail(zmq_strerror(errno));
  sendNext(&load);
  receive(&load, welcomeField);

  // Ids differ from run to run by their first half, and within one by the second.
  uint8_t half[8];
  if (getrandom(half, sizeof half, 0) != sizeof half) fail("no random bytes");
  for (size_t index = 0; index < load.requestCount; index++)
    if (load.requests[index].place != noPlace)
      memcpy(load.requests[index].bytes + load.requests[index].place, half, sizeof half);

  double start = now(), end = start;
  for (long index = 0; index < inFlight; index++) sendNext(&load);
  for (long underWay = inFlight; underWay > 0;) {
    double latency = receive(&load, field);
    if (doneCount == room) {
      room *= 2;
      latencies = realloc(latencies, room * sizeof *latencies);
      if (!latencies) fail("out of memory");
    }
    latencies[doneCount++] = latency;
    end = now();
    if (end - start < time) sendNext(&load);
    else underWay -= 1;
  }
  qsort(latencies, doneCount, sizeof *latencies, compare);
  printf("{\"count\":%zu,\"conflicts\":0,\"seconds\":%.6f,\"p50\":%.1f,\"p99\":%.1f}\n", doneCount,
         (end - start) / 1e6, latencies[doneCount / 2], latencies[doneCount * 99 / 100]);
  zmq_close(load.socket);
  zmq_ctx_term(context);
  return 0;
}
