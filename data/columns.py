"""What people call the canonical columns, in English and Chinese: screens show these, never the names in the store."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from data.tables import table as spec_of

_NAMES: Mapping[str, tuple[str, str]] = MappingProxyType({
    "event_id": ("Record id", "记录编号"), "review_id": ("Review id", "质检编号"), "worker_id": ("Person id", "工号"),
    "reviewer_id": ("Reviewer id", "质检员工号"), "lead_worker_id": ("Lead's id", "组长工号"), "project_id": ("Project id", "项目编号"),
    "batch_id": ("Batch id", "批次编号"), "item_id": ("Item id", "题目编号"), "site_id": ("Site id", "基地编号"), "team_id": ("Team id", "班组编号"),
    "note_id": ("Note id", "记事编号"), "ts": ("Time submitted", "提交时间"), "started_at": ("Time started", "开始时间"), "action": ("Kind of work", "作业类型"),
    "units": ("Units", "数量"), "prelabelled_units": ("Pre-labelled units", "预标注数量"), "duration_s": ("Time taken", "耗时"),
    "clock": ("How time was measured", "计时方式"), "round": ("Round", "轮次"), "tool": ("Tool", "工具"), "version": ("Version", "版本"),
    "verdict": ("Verdict", "质检结果"), "stage": ("Review stage", "质检环节"), "inspected_units": ("Units inspected", "抽检数量"),
    "error_units": ("Units in error", "错误数量"), "error_type": ("Type of error", "错误类型"), "sampled_why": ("Why it was sampled", "抽检原因"),
    "name": ("Name", "名称"), "name_en": ("English name", "英文名称"), "role": ("Role", "岗位"), "hire_date": ("Hired on", "入职日期"),
    "leave_date": ("Left on", "离职日期"), "leave_reason": ("Reason for leaving", "离职原因"), "voluntary": ("Left by choice", "是否主动离职"),
    "contract": ("Contract", "用工类型"), "channel": ("Hired through", "招聘渠道"), "skill_level": ("Skill level", "技能等级"),
    "valid_from": ("Valid from", "生效日期"), "client": ("Client", "客户"), "client_en": ("Client's English name", "客户英文名"),
    "modality": ("Modality", "模态"), "task_type": ("Type of task", "任务类型"), "unit": ("Unit", "计量单位"), "ordered_units": ("Units ordered", "订单量"),
    "due_date": ("Due on", "交付日期"), "quality_limit": ("Quality limit", "质量要求"), "tier": ("Subcontract tier", "转包层级"), "upstream": ("Upstream", "上游"),
    "amount": ("Amount", "金额"), "currency": ("Currency", "币种"), "pay_on": ("Paid when", "计薪节点"), "delivered_at": ("Delivered at", "交付时间"),
    "decided_at": ("Decided at", "验收时间"), "decision": ("Decision", "验收结果"), "inspected": ("Units inspected", "抽检数量"), "defects": ("Defects", "不合格数"),
    "resubmission_of": ("Resubmits batch", "原批次编号"), "work_date": ("Date", "日期"), "rostered_minutes": ("Time rostered", "排班时长"),
    "clock_in": ("Clocked in", "上班打卡"), "clock_out": ("Clocked out", "下班打卡"), "leave": ("Leave", "请假"), "seat": ("Seat", "工位"), "zone": ("Time zone", "时区"),
    "day_start": ("Day begins at", "日界"), "seats": ("Seats", "工位数"), "minimum_wage": ("Minimum wage", "最低工资"), "month": ("Month", "月份"),
    "kind": ("Kind", "类型"), "seconds_per_unit": ("Standard time a unit", "单件标准工时"), "from_date": ("From", "开始日期"), "to_date": ("To", "结束日期"),
    "text": ("Text", "说明"), "text_en": ("English text", "英文说明"),
})  # fmt: skip
_OF_TABLE: Mapping[tuple[str, str], tuple[str, str]] = MappingProxyType({
    ("reviews", "worker_id"): ("Author's id", "作者工号"), ("reviews", "ts"): ("Time reviewed", "质检时间"), ("reviews", "event_id"): ("Work's record id", "作业记录编号"),
    ("workers", "name"): ("Name", "姓名"), ("prices", "amount"): ("Client price", "客户单价"), ("rates", "amount"): ("Piece rate", "计件工价"),
    ("quotas", "units"): ("Planned units", "计划数量"), ("quotas", "work_date"): ("Day of the plan", "计划日期"),
})  # fmt: skip


def label(table: str, column: str) -> tuple[str, str]:
    """What a column of a canonical table is called, in English and Chinese. Raises NameUnknown for one that does not exist.

    >>> label("workers", "hire_date")
    ('Hired on', '入职日期')
    """
    spec_of(table).column(column)
    return _OF_TABLE.get((table, column)) or _NAMES[column]
