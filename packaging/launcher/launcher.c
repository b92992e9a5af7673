/* The beginning of the file `ironflow`: starts the program that is packed behind it.
 *
 *     this ELF | payload: one zstd frame | manifest: text | footer
 *
 * The manifest lists every file of the program: what it is, its mode, size and SHA-256. Its own SHA-256 names a directory
 * in a cache; the payload, the contents of the files one after another, is unpacked there by the first start. A later
 * start finds it, compares the name, kind, mode, size and modification time of every file with the manifest, and
 * executes the program in its own place: same pid, same arguments, nothing left running.
 *
 * Every file is given one fixed modification time, so whatever writes to it later shows; the directory is then unpacked
 * anew. A byte that changed in this file is told by the digest of the manifest or the checksum of the frame, before
 * anything is published. Under any number of simultaneous first starts one unpacks and the others wait; what a killed
 * one left is removed by the next. Which version it is, it says itself, once the program is there: Python takes five
 * times as long to start. A directory is locked (shared) for as long as a program runs from it, and only those
 * that nobody holds are ever removed.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "sha256.h"
#include "zstd.h"

#define PROGRAM "ironflow"
#define MAGIC "ironflow-pack-1\n"
#define WRITTEN 1577836800 /* 2020-01-01: the modification time of every unpacked file */
#define ID_LENGTH 32       /* hexadecimal digits of the manifest's digest that name a directory */
#define MANIFEST_SIZE_MAX (16 << 20)
#define SPARE_BYTES (4 << 20) /* that a file system needs besides the files' contents */
#define CACHES_MAX 8
#define EXIT_CANNOT_START 126

struct __attribute__((packed)) footer {
    uint64_t payload_at, payload_size, manifest_size;
    uint8_t manifest_digest[SHA256_SIZE];
    char magic[sizeof MAGIC - 1];
};

/* One line of the manifest: `f 755 1234 <sha256> path`, `d 700 0 - path` or `l 777 0 <target> path`. */
struct entry {
    char kind;
    mode_t mode;
    uint64_t size;
    const char *detail, *path;
};

struct pack {
    int file;
    struct footer footer;
    struct entry *entries;
    size_t count;
    uint64_t size;
    char id[ID_LENGTH + 1];
};

enum outcome { DONE, CANNOT, DAMAGED };

static char reasons[4096]; /* why caches could not be used, a line each */

static void give_reason(const char *format, ...) {
    size_t used = strlen(reasons);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(reasons + used, sizeof reasons - used, format, arguments);
    va_end(arguments);
}

static int damaged(void) {
    fprintf(stderr, PROGRAM ": this executable is damaged or incomplete; get it again\n");
    return EXIT_CANNOT_START;
}

/* --- what is packed ---------------------------------------------------------------------------------------------- */

static int read_at(int file, void *into, size_t size, uint64_t at) {
    for (char *next = into; size;) {
        ssize_t got = pread(file, next, size, at);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return -1;
        next += got, at += got, size -= got;
    }
    return 0;
}

static char *field(char **rest, char end) {
    char *start = *rest, *stop = strchr(start, end);
    if (!stop || stop == start) return NULL;
    *stop = 0;
    *rest = stop + 1;
    return start;
}

static int parse(struct pack *pack, char *text) {
    size_t lines = 0;
    for (char *c = text; *c; c++) lines += *c == '\n';
    if (!(pack->entries = calloc(lines ? lines : 1, sizeof *pack->entries))) return -1;
    while (*text) {
        char *kind = field(&text, ' '), *mode = kind ? field(&text, ' ') : NULL, *size = mode ? field(&text, ' ') : NULL;
        char *detail = size ? field(&text, ' ') : NULL, *path = detail ? field(&text, '\n') : NULL;
        if (!path || *path == '/' || strstr(path, "..")) return -1;
        pack->entries[pack->count++] =
            (struct entry){*kind, strtoul(mode, NULL, 8), strtoull(size, NULL, 10), detail, path};
        pack->size += strtoull(size, NULL, 10);
    }
    return 0;
}

static int open_pack(struct pack *pack) {
    struct stat stat;
    struct footer *footer = &pack->footer;
    pack->file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    if (pack->file < 0) pack->file = open((const char *)getauxval(AT_EXECFN), O_RDONLY | O_CLOEXEC);
    if (pack->file < 0 || fstat(pack->file, &stat) || (size_t)stat.st_size < sizeof *footer) return -1;
    uint64_t end = stat.st_size - sizeof *footer;
    if (read_at(pack->file, footer, sizeof *footer, end) || memcmp(footer->magic, MAGIC, sizeof footer->magic))
        return -1;
    if (footer->manifest_size > MANIFEST_SIZE_MAX || footer->manifest_size > end || footer->payload_size > end ||
        footer->payload_at != end - footer->manifest_size - footer->payload_size)
        return -1;
    char *manifest = malloc(footer->manifest_size + 1);
    uint8_t digest[SHA256_SIZE];
    if (!manifest || read_at(pack->file, manifest, footer->manifest_size, end - footer->manifest_size)) return -1;
    manifest[footer->manifest_size] = 0;
    sha256(manifest, footer->manifest_size, digest);
    if (memcmp(digest, footer->manifest_digest, sizeof digest)) return -1;
    for (int i = 0; i < ID_LENGTH / 2; i++) sprintf(pack->id + 2 * i, "%02x", digest[i]);
    return parse(pack, manifest);
}

/* --- what is unpacked already ------------------------------------------------------------------------------------ */

/* Nobody but us and root can have put anything there. */
static int is_ours(const char *path) {
    struct stat stat;
    return !lstat(path, &stat) && S_ISDIR(stat.st_mode) && (stat.st_uid == geteuid() || !stat.st_uid) &&
           !(stat.st_mode & (S_IWGRP | S_IWOTH));
}

static int is_as_unpacked(int directory, const struct entry *entry) {
    struct stat stat;
    if (fstatat(directory, entry->path, &stat, AT_SYMLINK_NOFOLLOW)) return 0;
    if (entry->kind == 'd') return S_ISDIR(stat.st_mode);
    if (entry->kind == 'l') return S_ISLNK(stat.st_mode) && (uint64_t)stat.st_size == strlen(entry->detail);
    return S_ISREG(stat.st_mode) && (stat.st_mode & 0777) == entry->mode && (uint64_t)stat.st_size == entry->size &&
           stat.st_mtime == WRITTEN;
}

/* The program's directory, locked against being swept for as long as the descriptor is open (it is inherited); -1 if
 * there is none, or not what the manifest says. */
static int enter(const struct pack *pack, const char *cache) {
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", cache, pack->id);
    if (!is_ours(cache) || !is_ours(path)) return -1;
    int directory = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    if (directory < 0) return -1;
    int usable = !flock(directory, LOCK_SH | LOCK_NB);
    for (size_t i = 0; usable && i < pack->count; i++) usable = is_as_unpacked(directory, &pack->entries[i]);
    if (usable) {
        futimens(directory, NULL); /* last used: the sweep keeps the most recent; no matter on a read-only disk */
        return directory;
    }
    close(directory);
    return -1;
}

/* --- unpacking --------------------------------------------------------------------------------------------------- */

struct stream {
    const struct pack *pack;
    ZSTD_DCtx *context;
    uint8_t *in, *out;
    size_t out_at, out_end;
    ZSTD_inBuffer input;
    uint64_t taken;
    size_t expected; /* 0 once the frame, checksum included, has been read */
};

/* Have something between out_at and out_end. */
static int refill(struct stream *stream) {
    const struct footer *footer = &stream->pack->footer;
    ZSTD_outBuffer output = {stream->out, ZSTD_DStreamOutSize(), 0};
    while (!output.pos && stream->expected) {
        if (stream->input.pos == stream->input.size) {
            uint64_t left = footer->payload_size - stream->taken;
            size_t size = left < ZSTD_DStreamInSize() ? left : ZSTD_DStreamInSize();
            if (!size || read_at(stream->pack->file, stream->in, size, footer->payload_at + stream->taken)) return -1;
            stream->taken += size;
            stream->input = (ZSTD_inBuffer){stream->in, size, 0};
        }
        stream->expected = ZSTD_decompressStream(stream->context, &output, &stream->input);
        if (ZSTD_isError(stream->expected)) return -1;
    }
    stream->out_at = 0;
    stream->out_end = output.pos;
    return output.pos ? 0 : -1;
}

static enum outcome copy(struct stream *stream, int file, uint64_t size) {
    while (size) {
        if (stream->out_at == stream->out_end && refill(stream)) return DAMAGED;
        size_t ready = stream->out_end - stream->out_at, part = ready < size ? ready : size;
        ssize_t written = write(file, stream->out + stream->out_at, part);
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return CANNOT;
        stream->out_at += written;
        size -= written;
    }
    return DONE;
}

static enum outcome unpack_file(struct stream *stream, int directory, const struct entry *entry) {
    const struct timespec written[2] = {{WRITTEN, 0}, {WRITTEN, 0}};
    int file = openat(directory, entry->path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (file < 0) return CANNOT;
    enum outcome outcome = copy(stream, file, entry->size);
    if (outcome == DONE && (fchmod(file, entry->mode) || futimens(file, written))) outcome = CANNOT;
    if (close(file) && outcome == DONE) outcome = CANNOT;
    return outcome;
}

static enum outcome unpack(const struct pack *pack, int directory) {
    struct stream stream = {.pack = pack, .context = ZSTD_createDCtx(), .expected = 1};
    stream.in = malloc(ZSTD_DStreamInSize());
    stream.out = malloc(ZSTD_DStreamOutSize());
    if (!stream.context || !stream.in || !stream.out) return errno = ENOMEM, CANNOT;
    enum outcome outcome = DONE;
    for (size_t i = 0; outcome == DONE && i < pack->count; i++) {
        const struct entry *entry = &pack->entries[i];
        if (entry->kind == 'f')
            outcome = unpack_file(&stream, directory, entry);
        else if (entry->kind == 'd' ? mkdirat(directory, entry->path, 0700)
                                    : symlinkat(entry->detail, directory, entry->path))
            outcome = CANNOT;
    }
    int because = errno;
    /* After the last file there is the checksum of the whole: it has to be there, right, and the end. */
    if (outcome == DONE && (stream.out_at != stream.out_end || !refill(&stream) || stream.expected ||
                            stream.taken != pack->footer.payload_size || stream.input.pos != stream.input.size))
        outcome = DAMAGED;
    ZSTD_freeDCtx(stream.context);
    free(stream.in);
    free(stream.out);
    errno = because;
    return outcome;
}

static int remove_one(const char *path, const struct stat *stat, int kind, struct FTW *walk) {
    (void)stat, (void)kind, (void)walk;
    return remove(path);
}

static void remove_tree(const char *path) { nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS); }

/* Lock a directory that nobody runs from; its descriptor, or -1. */
static int lock_unused(const char *path) {
    int directory = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (directory >= 0 && flock(directory, LOCK_EX | LOCK_NB)) close(directory), directory = -1;
    return directory;
}

/* Remove what nobody runs from: other versions but the one used last, to go back to, and what was damaged. Hold the
 * cache's lock. */
static void sweep(const struct pack *pack, const char *cache) {
    char path[PATH_MAX], newest[NAME_MAX + 1] = "";
    struct timespec newest_at = {0, 0};
    for (int removing = 0; removing < 2; removing++) {
        DIR *listing = opendir(cache);
        if (!listing) return;
        for (struct dirent *one; (one = readdir(listing));) {
            int version = strlen(one->d_name) == ID_LENGTH && strspn(one->d_name, "0123456789abcdef") == ID_LENGTH;
            if (!strcmp(one->d_name, pack->id) || !(version || !strncmp(one->d_name, ".old-", 5))) continue;
            snprintf(path, sizeof path, "%s/%s", cache, one->d_name);
            struct stat stat;
            if (!removing && version && !lstat(path, &stat) &&
                (stat.st_mtim.tv_sec > newest_at.tv_sec ||
                 (stat.st_mtim.tv_sec == newest_at.tv_sec && stat.st_mtim.tv_nsec > newest_at.tv_nsec))) {
                newest_at = stat.st_mtim;
                strcpy(newest, one->d_name);
            }
            int unused = removing && strcmp(one->d_name, newest) ? lock_unused(path) : -1;
            if (unused >= 0) remove_tree(path), close(unused);
        }
        closedir(listing);
    }
}

static int make_directories(const char *path) {
    char prefix[PATH_MAX];
    snprintf(prefix, sizeof prefix, "%s", path);
    for (char *slash = prefix + 1; (slash = strchr(slash, '/')); *slash++ = '/') {
        *slash = 0;
        mkdir(prefix, 0700); /* those that are there, or cannot be made, show in the last one */
    }
    return mkdir(prefix, 0700) && errno != EEXIST ? -1 : 0;
}

/* Unpack into the cache, whose lock is held. */
static enum outcome fill(const struct pack *pack, const char *cache) {
    char final[PATH_MAX], scratch[PATH_MAX], aside[PATH_MAX];
    snprintf(final, sizeof final, "%s/%s", cache, pack->id);
    snprintf(scratch, sizeof scratch, "%s/.unpacking", cache);
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    snprintf(aside, sizeof aside, "%s/.old-%s-%lld%09ld", cache, pack->id, (long long)now.tv_sec, now.tv_nsec);
    struct statvfs disk;
    remove_tree(scratch);
    if (!statvfs(cache, &disk)) {
        if (disk.f_flag & ST_NOEXEC) return give_reason("  %s: nothing may be executed there (noexec)\n", cache), CANNOT;
        if ((uint64_t)disk.f_bavail * disk.f_frsize < pack->size + SPARE_BYTES) {
            give_reason("  %s: %llu MiB are needed, and fewer are free\n", cache,
                        (unsigned long long)((pack->size + SPARE_BYTES) >> 20) + 1);
            return CANNOT;
        }
    }
    int directory = mkdir(scratch, 0700) ? -1 : open(scratch, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    enum outcome outcome = directory < 0 ? CANNOT : unpack(pack, directory);
    if (outcome == DONE) {
        rename(final, aside); /* one that was damaged; somebody may still run from it */
        if (rename(scratch, final)) outcome = CANNOT;
    }
    if (outcome == CANNOT) give_reason("  %s: %s\n", cache, strerror(errno));
    if (outcome != DONE) remove_tree(scratch);
    if (directory >= 0) close(directory);
    return outcome;
}

/* Have the program in this cache: its locked directory. Whoever has to unpack into another cache than the first says
 * why, once. */
static enum outcome prepare(const struct pack *pack, const char *cache, int *directory) {
    char path[PATH_MAX];
    if ((*directory = enter(pack, cache)) >= 0) return DONE;
    snprintf(path, sizeof path, "%s/.lock", cache);
    if (make_directories(cache)) return give_reason("  %s: %s\n", cache, strerror(errno)), CANNOT;
    if (!is_ours(cache)) return give_reason("  %s: others may write there\n", cache), CANNOT;
    int lock = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (lock < 0) return give_reason("  %s: %s\n", cache, strerror(errno)), CANNOT;
    while (flock(lock, LOCK_EX) && errno == EINTR) continue;
    enum outcome outcome = DONE;
    if ((*directory = enter(pack, cache)) < 0 && (outcome = fill(pack, cache)) == DONE) {
        sweep(pack, cache);
        if ((*directory = enter(pack, cache)) < 0)
            outcome = (give_reason("  %s: what was written there did not stay as it was\n", cache), CANNOT);
        else if (*reasons)
            fprintf(stderr, PROGRAM ": unpacked into %s, because elsewhere it was not possible:\n%s", cache, reasons);
    }
    close(lock);
    return outcome;
}

/* --- where ------------------------------------------------------------------------------------------------------- */

static size_t list_caches(char caches[CACHES_MAX][PATH_MAX]) {
    static const struct {
        const char *variable, *below;
    } places[] = {{"IRONFLOW_CACHE_DIR", ""}, {"CACHE_DIRECTORY", ""}, {"XDG_CACHE_HOME", "/ironflow/bin"},
                  {"HOME", "/.cache/ironflow/bin"}};
    static const char *const shared[] = {"/tmp", "/var/tmp", "/dev/shm"};
    size_t count = 0;
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        const char *given = getenv(places[i].variable);
        if (given && *given == '/') /* systemd may give several, with colons between them: the first */
            snprintf(caches[count++], PATH_MAX, "%.*s%s", (int)strcspn(given, ":"), given, places[i].below);
    }
    const char *temporary = getenv("TMPDIR");
    if (temporary && *temporary == '/')
        snprintf(caches[count++], PATH_MAX, "%s/ironflow-%u", temporary, (unsigned)geteuid());
    for (size_t i = 0; i < sizeof shared / sizeof *shared; i++)
        snprintf(caches[count++], PATH_MAX, "%s/ironflow-%u", shared[i], (unsigned)geteuid());
    return count;
}

static void remember_executable(void) {
    char path[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
    if (length <= 0) return;
    path[length] = 0;
    setenv("IRONFLOW_EXECUTABLE", path, 1);
}

/* The ways to ask for the version are those of app/__main__.py. */
static int asks_version(int argc, char **argv) {
    return argc == 2 && (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V") || !strcmp(argv[1], "version"));
}

int main(int argc, char **argv) {
    struct pack pack = {0};
    if (open_pack(&pack)) return damaged();
    char caches[CACHES_MAX][PATH_MAX], program[PATH_MAX + sizeof PROGRAM];
    size_t count = list_caches(caches);
    remember_executable();
    for (size_t i = 0; i < count; i++) {
        int directory;
        enum outcome outcome = prepare(&pack, caches[i], &directory);
        if (outcome == DAMAGED) return damaged();
        if (outcome == CANNOT) continue;
        if (asks_version(argc, argv)) return puts(PROGRAM " " VERSION) < 0 || fflush(stdout) ? EXIT_CANNOT_START : 0;
        snprintf(program, sizeof program, "%s/%s/" PROGRAM, caches[i], pack.id);
        execv(program, argv);
        if (errno == ENOENT) {
            fprintf(stderr, PROGRAM ": this system lacks the C library (glibc) that the program was built for\n");
            return EXIT_CANNOT_START;
        }
        give_reason("  %s: %s\n", caches[i], strerror(errno));
        close(directory);
    }
    fprintf(stderr,
            PROGRAM ": found no directory to unpack into:\n%s"
                    "Set IRONFLOW_CACHE_DIR to one on a disk with %llu MiB free, which you can write and execute in.\n",
            reasons, (unsigned long long)((pack.size + SPARE_BYTES) >> 20) + 1);
    return EXIT_CANNOT_START;
}
