#include <errno.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "os/poller.h"

namespace zerocopy::os {
namespace {

Status Control(int set, int operation, int fd, uint32_t events, uint64_t token) {
  epoll_event event = {};
  event.events = events;
  event.data.u64 = token;
  if (epoll_ctl(set, operation, fd, &event) != 0) return OsError{errno, "epoll_ctl"};
  return Nothing{};
}

}  // namespace

Result<Poller> Poller::Open() {
  Poller poller;
  poller.set_ = Descriptor(epoll_create1(EPOLL_CLOEXEC));
  if (poller.set_.get() < 0) return OsError{errno, "epoll_create1"};
  poller.bell_ = Descriptor(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK | EFD_SEMAPHORE));
  if (poller.bell_.get() < 0) return OsError{errno, "eventfd"};
  const auto added = Control(poller.set_.get(), EPOLL_CTL_ADD, poller.bell_.get(), EPOLLIN, kBell);
  if (!added.ok()) return added.error();
  return poller;
}

Status Poller::Add(int fd, uint64_t token) {
  return Control(set_.get(), EPOLL_CTL_ADD, fd, EPOLLOUT | EPOLLONESHOT, token);
}

Status Poller::Arm(int fd, uint64_t token) {
  return Control(set_.get(), EPOLL_CTL_MOD, fd, EPOLLOUT | EPOLLONESHOT, token);
}

void Poller::Remove(int fd) { (void)Control(set_.get(), EPOLL_CTL_DEL, fd, 0, 0); }

void Poller::Ring() { (void)eventfd_write(bell_.get(), 1); }

bool Poller::AnswerBell() {
  eventfd_t ring = 0;
  return eventfd_read(bell_.get(), &ring) == 0;
}

uint64_t Poller::Wait() {
  // One event at a time: a thread that took several would let the others wait behind a slow disk.
  epoll_event event = {};
  for (;;) {
    if (epoll_wait(set_.get(), &event, 1, -1) == 1) return event.data.u64;
  }
}

}  // namespace zerocopy::os
