#include "region/residents_binding.h"

#include <utility>

namespace zerocopy::region {
namespace {

// One lock for all environments, because a resident may outlive its own.
std::mutex mutex;

// Native work may still read the memory, and so may other threads that it is shared with.
void ParkUnlessBusy(const Region& region) {
  const std::shared_ptr<Pages> pages = region.pages();
  const bool shared = pages.use_count() > 2;  // the Region's claim and ours here
  if (pages != nullptr && !shared && region.holds(Holder::kWork) == 0) pages->Park();
}

}  // namespace

Resident::~Resident() { Unlink(); }

void Resident::Unlink() {
  const std::lock_guard<std::mutex> lock(mutex);
  if (residents_ != nullptr) residents_->Remove(this);
  residents_ = nullptr;
}

Residents::~Residents() {
  const std::lock_guard<std::mutex> lock(mutex);
  for (Resident* resident = first_; resident != nullptr; resident = resident->next_) {
    resident->residents_ = nullptr;
    if (resident->object_ != nullptr) left_.push_back(std::exchange(resident->object_, nullptr));
    if (resident->region_ == nullptr) continue;
    const std::shared_ptr<Pages> pages = resident->region_->pages();
    // Another thread may have this memory by a transfer that nobody could see.
    if (resident->exposed() && pages != nullptr) pages->Retire();
    resident->LetGo();
  }
  // Node ends with the environment without freeing them.
  for (napi_ref reference : left_) napi_delete_reference(env_, reference);
}

void Residents::Add(Resident* resident, napi_value object) {
  DeleteLeftReferences();
  if (napi_create_reference(env_, object, 0, &resident->object_) != napi_ok) resident->object_ = nullptr;
  const std::lock_guard<std::mutex> lock(mutex);
  resident->residents_ = this;
  resident->next_ = first_;
  if (first_ != nullptr) first_->previous_ = resident;
  first_ = resident;
}

// Under the lock.
void Residents::Remove(Resident* resident) {
  (resident->previous_ == nullptr ? first_ : resident->previous_->next_) = resident->next_;
  if (resident->next_ != nullptr) resident->next_->previous_ = resident->previous_;
  if (resident->object_ != nullptr) left_.push_back(resident->object_);
}

void Residents::DeleteLeftReferences() {
  std::vector<napi_ref> left;
  {
    const std::lock_guard<std::mutex> lock(mutex);
    left = std::exchange(left_, {});
  }
  for (napi_ref reference : left) napi_delete_reference(env_, reference);
}

bool Residents::IsAlive(const Resident& resident) const {
  if (resident.object_ == nullptr) return true;  // not watched: nobody knows
  napi_handle_scope scope = nullptr;
  if (napi_open_handle_scope(env_, &scope) != napi_ok) return true;
  napi_value object = nullptr;
  const bool alive = napi_get_reference_value(env_, resident.object_, &object) != napi_ok || object != nullptr;
  napi_close_handle_scope(env_, scope);
  return alive;
}

void Residents::Reclaim() {
  const std::lock_guard<std::mutex> lock(mutex);
  for (Resident* one = first_; one != nullptr; one = one->next_) {
    if (one->region_ != nullptr) one->region_->reachable = false;
  }
  for (Resident* one = first_; one != nullptr; one = one->next_) {
    if (one->region_ != nullptr && IsAlive(*one)) one->region_->reachable = true;
  }
  for (Resident* one = first_; one != nullptr; one = one->next_) {
    if (one->region_ == nullptr || one->region_->reachable) continue;
    if (one->exposed()) {
      ParkUnlessBusy(*one->region_);
    } else {
      one->LetGo();
    }
  }
}

// Under the lock: the objects of those that `wanted` says, and that are alive.
template <typename Wanted>
std::vector<napi_value> Residents::LiveObjects(Wanted wanted) const {
  std::vector<napi_value> objects;
  for (const Resident* one = first_; one != nullptr; one = one->next_) {
    napi_value object = nullptr;
    if (one->object_ == nullptr || !wanted(*one)) continue;
    if (napi_get_reference_value(env_, one->object_, &object) == napi_ok && object != nullptr) {
      objects.push_back(object);
    }
  }
  return objects;
}

std::vector<napi_value> Residents::LiveHandles() {
  const std::lock_guard<std::mutex> lock(mutex);
  return LiveObjects([](const Resident& one) { return !one.is_window(); });
}

std::vector<napi_value> Residents::ExposedWindows(const Region* region) {
  const std::lock_guard<std::mutex> lock(mutex);
  return LiveObjects([&](const Resident& one) { return one.exposed() && one.region_.get() == region; });
}

}  // namespace zerocopy::region
