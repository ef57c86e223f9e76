"""The canonical tables: their columns, what each holds, the words people use for them, and why a row can be refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from types import MappingProxyType
from typing import Literal

import pyarrow as pa

from data.codes import ACTIONS, CLOCKS, DECISIONS, PAY_ON, STAGES, VERDICTS
from data.errors import NameUnknown
from data.words import (
    ACTION_WORDS,
    CLOCK_WORDS,
    CONTRACT_WORDS,
    COST_WORDS,
    CURRENCY_WORDS,
    DECISION_WORDS,
    MODALITY_WORDS,
    NOTE_WORDS,
    PAY_ON_WORDS,
    ROLE_WORDS,
    SKILL_WORDS,
    STAGE_WORDS,
    TIER_WORDS,
    VERDICT_WORDS,
    plain,
)  # fmt: skip

Kind = Literal[
    "key", "text", "term", "choice", "flag", "instant", "date", "month", "time", "zone", "currency",
    "quantity", "seconds", "money", "ratio", "integer", "level", "version",
]  # fmt: skip

# What a column of each kind holds in Batch.rows. Instants are UTC; `time` is minutes after midnight; `month` its first day.
ARROW: Mapping[Kind, pa.DataType] = MappingProxyType({
    "key": pa.string(), "text": pa.string(), "term": pa.string(), "choice": pa.string(), "flag": pa.bool_(),
    "instant": pa.timestamp("ms"), "date": pa.date32(), "month": pa.date32(), "time": pa.int64(), "zone": pa.string(),
    "currency": pa.string(), "quantity": pa.decimal128(18, 3), "seconds": pa.decimal128(18, 3), "money": pa.decimal128(18, 6),
    "ratio": pa.decimal128(18, 6), "integer": pa.int64(), "level": pa.int64(), "version": pa.int64(),
})  # fmt: skip

LOG_LIMIT = Decimal("999999.999")  # units and seconds of one row of the log
WIDE_LIMIT = Decimal("999999999.999")  # totals of a batch or a project
MONEY_LIMIT = Decimal("999999999.999999")


@dataclass(frozen=True, slots=True)
class Reject:
    """A row that could not be taken: where it stood, why (a code of REJECT_CODES and its English sentence), and all of it."""

    line: int
    code: str
    column: str | None
    value: str | None
    reason: str
    raw: str


@dataclass(frozen=True, slots=True)
class Batch:
    """Canonical rows of one table, and the rows that were refused.

    `rows` has canonical column names in ARROW types, `line` (int64; for pushed records their index from 0) and, where there were
    unknown columns, `extra` (a JSON object). `read` = rows taken + rejects; `naive` counts the taken rows with a time that had no zone.
    """

    table: str
    rows: pa.Table
    rejects: list[Reject] = field(default_factory=list)
    read: int = 0
    naive: int = 0


@dataclass(frozen=True, slots=True)
class Column:
    """One canonical column. `low`/`high` bound numbers (inclusive); `default` stands for an absent or empty cell.

    `choices` is the closed set of a choice; `meanings` gives the choice (or the usual term) for other words, in plain() form.
    """

    name: str
    kind: Kind
    required: bool = False
    default: str | None = None
    choices: tuple[str, ...] = ()
    synonyms: tuple[str, ...] = ()
    low: Decimal | None = Decimal(0)
    high: Decimal = WIDE_LIMIT
    meanings: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TableSpec:
    """One canonical table. `words` are the file names people give it, in plain() form."""

    name: str
    columns: tuple[Column, ...]
    words: tuple[str, ...] = ()

    @property
    def required(self) -> tuple[str, ...]:
        """The columns without which a file cannot be this table."""
        return tuple(column.name for column in self.columns if column.required)

    def column(self, name: str) -> Column:
        """The column of that canonical name. Raises NameUnknown."""
        for column in self.columns:
            if column.name == name:
                return column
        raise NameUnknown(f"column of {self.name}", name, [column.name for column in self.columns], f"{self.name} 的列")


# Columns that several tables have ----------------------------------------------------------------------------------------
def _key(name: str, words: str, *, required: bool = False) -> Column:
    return Column(name, "key", required, synonyms=tuple(plain(word) for word in words.split()))


def _column(name: str, kind: Kind, words: str = "", *, required: bool = False, default: str | None = None, choices: tuple[str, ...] = (),
            low: int | None = 0, high: Decimal | int | None = None, meanings: Mapping[str, str] | None = None) -> Column:  # fmt: skip
    limit = {"money": MONEY_LIMIT, "version": Decimal(2**63 - 1), "seconds": LOG_LIMIT}.get(kind, WIDE_LIMIT)
    return Column(
        name, kind, required, default, choices, tuple(plain(word) for word in words.split()),
        None if low is None else Decimal(low), limit if high is None else Decimal(high), meanings or {},
    )  # fmt: skip


_WORKER = _key(
    "worker_id",
    "worker 工号 员工编号 员工号 员工工号 标注员 标注员id 标注员工号 标注员编号 标注人 标注人id 标注人员 作业员 作业人 人员编号 "
    "人员id 用户id "
    "账号 user_id user username user_name annotator annotator_id labeler labeler_id labeller completed_by created_by assignee author "
    "author_id employee_id employee_no staff_id staff_no 作者 被检人 被质检人",
    required=True,
)
_PERSON = _key(
    "worker_id",
    "worker 工号 员工编号 员工号 员工工号 人员编号 人员id 标注员id 标注员编号 标注员工号 employee employee_id employee_no staff_id "
    "staff_no staff personnel_no user_id 账号",
    required=True,
)
_PROJECT = _key("project_id", "project 项目 项目编号 项目id 项目号 项目代码 项目编码 project_code project_no task_id job_id", required=True)
_BATCH = _key("batch_id", "batch 批次 批次号 批次编号 批次id 包号 任务包 batch_no package package_id lot lot_id")
_ITEM = _key(
    "item_id",
    "item 题目 题目id 题号 数据id 数据编号 样本id 样本 样本编号 图片id 图片 图片名 图片名称 文件名 条目 条目id 作业项 unit_id "
    "sample_id sample "
    "data_id asset_id asset image image_id image_name file_name filename frame_id row_id subject_id external_id global_key",
    required=True,
)
_SITE = _key("site_id", "site 基地 基地编号 基地id 场地 职场 工厂 location center centre 站点")
_TEAM = _key("team_id", "team 班组 班组编号 班组id 小组 组别 组 团队 团队编号 group group_id 所在班组")
_TS = _column(
    "ts", "instant",
    "timestamp submitted_at submit_time submission_time submitted 提交时间 提交日期 完成时间 结束时间 标注时间 created_at create_time "
    "creation_time 创建时间 finished_at end_time ended_at completed_at completion_time updated_at time datetime 时间 日期时间",
)  # fmt: skip
_STARTED = _column(
    "started_at", "instant",
    "start start_time started begin_time begin_at began_at opened_at 开始时间 领取时间 打开时间 开始标注时间 任务开始时间",
)  # fmt: skip
_ROUND = _column("round", "integer", "轮次 轮 第几轮 返工轮次 attempt attempt_no iteration pass_no", low=1, high=65535)
_VERSION = _column("version", "version", "ver revision rev 版本 版本号")
_VALID_FROM = _column(
    "valid_from", "date", "生效日期 生效时间 起始日期 开始日期 effective_from effective_date from_date start_date", required=True
)
_AMOUNT = _column("amount", "money", "单价 价格 金额 price unit_price rate 计件单价 结算单价 客户单价 费用", required=True)
_CURRENCY_COLUMN = _column("currency", "currency", "币种 货币 curr", default="CNY", meanings=CURRENCY_WORDS)
_NAME = _column("name", "text", "姓名 名称 员工姓名 full_name display_name 名字")
_MODALITY_COLUMN = _column("modality", "term", "模态 数据类型 data_type 类型 业务类型", meanings=MODALITY_WORDS)
_LEVEL = _column("skill_level", "level", "技能等级 等级 级别 level grade 技能级别 职级 职业等级", low=1, high=5, meanings=SKILL_WORDS)
_ROLE_COLUMN = _column("role", "term", "角色 岗位 职位 position job_title title 工种", meanings=ROLE_WORDS)


def _units(name: str, words: str, *, default: str | None = None, required: bool = False, high: Decimal = LOG_LIMIT) -> Column:
    return _column(name, "quantity", words, default=default, required=required, high=high)


TABLES: Mapping[str, TableSpec] = MappingProxyType({spec.name: spec for spec in (
    TableSpec("annotations", (
        _key("event_id", "event 记录id 记录编号 记录号 事件id 提交id 流水号 标注id 作业id annotation_id submission_id record_id "
            "log_id id uuid",
            required=True),
        _WORKER, _PROJECT, _ITEM, _TS, _STARTED, _BATCH,
        _column("action", "choice", "动作 操作 环节 工序 作业类型 操作类型 action_type", default="annotate", choices=ACTIONS,
            meanings=ACTION_WORDS),
        _units("units", "unit_count 框数 数量 件数 标注量 标注数 标注数量 完成量 有效框数 对象数 目标数 工作量 count objects "
            "object_count "
            "boxes box_count shapes num_objects quantity qty 条数 张数 个数", default="1"),
        _units("prelabelled_units", "prelabeled_units prelabels prelabel_count pre_annotations predictions 预标注数 预标数 预标框数 "
            "预标注框数"),
        _column("duration_s", "seconds", "duration 耗时 时长 用时 标注时长 标注耗时 作业时长 工时 有效时长 seconds time_spent "
            "timespent elapsed "
            "lead_time working_time work_time active_time annotation_time label_time time_taken"),
        _column("clock", "choice", "计时方式 计时口径 timing clock_type", choices=CLOCKS, meanings=CLOCK_WORDS),
        _ROUND, _column("tool", "text", "工具 平台 标注工具 标注平台 platform source_tool"), _VERSION,
    ), ("annotation", "标注", "标注记录", "标注日志", "submissions", "作业记录", "work")),
    TableSpec("reviews", (
        _key("review_id", "review 质检id 质检编号 质检记录id 审核id 审核编号 质检单号 inspection_id check_id qc_id", required=True),
        _WORKER, _PROJECT, _ITEM,
        _column("verdict", "choice", "质检结果 审核结果 结果 质检结论 结论 判定 检查结果 result decision outcome status review_result "
            "review_status qc_result", required=True, choices=VERDICTS, meanings=VERDICT_WORDS),
        _column("ts", "instant", "timestamp reviewed_at review_time 质检时间 审核时间 检查时间 提交时间 created_at 创建时间 time "
            "时间 submitted_at "
            "completed_at updated_at"),
        _key("reviewer_id", "reviewer 质检员 质检员id 质检员工号 质检员编号 审核员 审核人 质检人 审核员id 检查人 inspector "
            "inspector_id checker "
            "qc_id qa_id reviewed_by"),
        _key("event_id", "event 记录id 记录编号 事件id 标注id 作业id annotation_id submission_id record_id"),
        _BATCH,
        _column("stage", "choice", "质检阶段 质检环节 质检轮次 环节 阶段 审核阶段 review_stage level", default="qc1",
            choices=STAGES, meanings=STAGE_WORDS),
        _ROUND,
        _units("inspected_units", "inspected 抽检数 检查数 质检数 质检框数 抽检框数 检查框数 质检量 inspected_count checked_units"),
        _units("error_units", "errors error_count 错误数 错框数 错误框数 问题数 不合格数 缺陷数 defects mistakes"),
        _column("error_type", "text", "错误类型 错误类别 问题类型 错误原因 打回原因 驳回原因 error error_category defect_type reason "
            "issue_type"),
        _column("sampled_why", "text", "抽检原因 抽样原因 抽检方式 抽样方式 sample_reason sampling"), _VERSION,
    ), ("review", "质检", "质检记录", "审核", "审核记录", "inspections", "qc")),
    TableSpec("workers", (
        _PERSON, _NAME, _SITE, _TEAM, _ROLE_COLUMN,
        _column("hire_date", "date", "hired hired_on 入职日期 入职时间 入职 join_date joined_on start_date date_of_joining hire"),
        _column("leave_date", "date", "left left_on 离职日期 离职时间 离职 termination_date terminated_on end_date exit_date quit_date"),
        _column("leave_reason", "text", "离职原因 离职说明 exit_reason termination_reason"),
        _column("voluntary", "flag", "是否主动离职 主动离职 离职类型 是否自愿 is_voluntary"),
        _column("contract", "term", "合同类型 用工类型 用工形式 employment_type contract_type 合同", meanings=CONTRACT_WORDS),
        _column("channel", "text", "招聘渠道 渠道 来源渠道 来源 recruiting_channel hire_source referral_source"),
        _LEVEL, _column("valid_from", "date", "生效日期 调动日期 effective_from effective_date"),
    ), ("worker", "员工", "人员", "花名册", "员工花名册", "employees", "roster", "staff", "people")),
    TableSpec("assignments", (
        _PERSON, _VALID_FROM, _SITE, _TEAM, _ROLE_COLUMN, _LEVEL,
    ), ("assignment", "调动", "调岗", "人员调动", "transfers")),
    TableSpec("projects", (
        _PROJECT, _column("name", "text", "项目名称 项目名 名称 project_name title"), _column("name_en", "text", "英文名称 英文名 "
            "english_name"),
        _column("client", "text", "客户 甲方 客户名称 委托方 customer client_name"), _column("client_en", "text", "客户英文名 "
            "customer_en"),
        _MODALITY_COLUMN, _column("task_type", "text", "任务类型 标注类型 作业类型 annotation_type"),
        _column("unit", "text", "单位 计件单位 计量单位 unit_name"),
        _units("ordered_units", "订单量 合同量 总量 需求量 ordered order_size total_units", high=WIDE_LIMIT),
        _column("due_date", "date", "交付日期 截止日期 交期 due deadline 交付时间"),
        _column("quality_limit", "ratio", "质量要求 合格率要求 允许错误率 质量限 aql quality error_limit", high=1),
        _column("tier", "level", "层级 转包层级 分包层级 分包级别 subcontract_tier", low=0, high=9, meanings=TIER_WORDS),
        _column("upstream", "text", "上游 上家 发包方 prime contractor"),
    ), ("project", "项目", "项目表")),
    TableSpec("prices", (_PROJECT, _VALID_FROM, _AMOUNT, _CURRENCY_COLUMN, _BATCH), ("price", "客户单价", "结算价", "报价")),
    TableSpec("rates", (
        _PROJECT, _VALID_FROM, _AMOUNT, _CURRENCY_COLUMN,
        _column("action", "choice", "动作 操作 环节 工序", default="annotate", choices=ACTIONS, meanings=ACTION_WORDS),
        _column("pay_on", "choice", "计薪节点 计酬节点 结算节点 计薪方式 pay_basis", default="submit", choices=PAY_ON,
            meanings=PAY_ON_WORDS), _BATCH,
    ), ("rate", "计件单价", "计件工价", "工价", "rate_card", "ratecard")),
    TableSpec("batches", (
        _key("batch_id", "batch 批次 批次号 批次编号 批次id 包号 任务包 batch_no package package_id lot lot_id", required=True), _PROJECT,
        _units("units", "数量 件数 框数 unit_count size lot_size count 批量", high=WIDE_LIMIT),
        _column("delivered_at", "instant", "交付时间 交付日期 delivered delivery_time delivery_date 提交时间"),
        _column("decided_at", "instant", "验收时间 验收日期 decided decision_time accepted_at"),
        _column("decision", "choice", "验收结果 验收结论 验收状态 结果 result status", choices=DECISIONS, meanings=DECISION_WORDS),
        _units("inspected", "抽检数 抽样数 样本量 sample_size inspected_units sampled", high=WIDE_LIMIT),
        _units("defects", "缺陷数 不合格数 错误数 defect_count defective errors", high=WIDE_LIMIT),
        _key("resubmission_of", "原批次 重交批次 原批次号 resubmits parent_batch"),
    ), ("batch", "批次", "交付批次", "交付", "deliveries")),
    TableSpec("attendance", (
        _PERSON, _column("work_date", "date", "日期 考勤日期 出勤日期 工作日期 date day attendance_date", required=True),
        _column("rostered_minutes", "integer", "排班分钟 应出勤分钟 排班时长 scheduled_minutes rostered", high=2880),
        _column("clock_in", "instant", "上班打卡 上班时间 签到 签到时间 上班打卡时间 punch_in check_in"),
        _column("clock_out", "instant", "下班打卡 下班时间 签退 签退时间 下班打卡时间 punch_out check_out"),
        _column("leave", "text", "请假 请假类型 假别 leave_type absence"), _column("seat", "text", "工位 工位号 座位 desk seat_no"),
    ), ("考勤", "考勤表", "打卡", "出勤", "timesheet")),
    TableSpec("sites", (
        _key("site_id", "site 基地 基地编号 基地id 职场 工厂 location", required=True), _column("name", "text", "基地名称 名称 "
            "site_name"),
        _column("name_en", "text", "英文名称 英文名 english_name"), _column("zone", "zone", "时区 timezone time_zone tz", required=True),
        _column("day_start", "time", "日界 班次开始 当日开始 shift_start"),
        _column("seats", "integer", "工位数 座位数 席位数 capacity", high=1_000_000),
        _column("minimum_wage", "money", "最低工资 最低工资标准 min_wage"),
    ), ("site", "基地")),
    TableSpec("teams", (
        _key("team_id", "team 班组 班组编号 班组id 小组 团队 group group_id", required=True), _column("name", "text", "班组名称 名称 "
            "team_name"),
        _column("name_en", "text", "英文名称 英文名 english_name"), _SITE,
        _key("lead_worker_id", "lead leader lead_id leader_id 组长 组长工号 班组长 班长"), _MODALITY_COLUMN,
    ), ("team", "班组", "小组")),
    TableSpec("costs", (
        _key("site_id", "site 基地 基地编号 基地id 职场", required=True), _column("month", "month", "月份 月 年月 账期 period",
            required=True),
        _column("kind", "term", "成本类型 费用类型 科目 类别 类型 cost_type category", required=True, meanings=COST_WORDS),
        _column("amount", "money", "金额 费用 成本 cost", required=True, low=None), _CURRENCY_COLUMN,
    ), ("cost", "成本", "费用", "费用表")),
    TableSpec("standards", (
        _PROJECT, _VALID_FROM,
        _column("seconds_per_unit", "seconds", "标准工时 标准秒数 单件标准工时 standard_seconds standard_time", required=True,
            high=WIDE_LIMIT),
    ), ("standard", "标准工时", "定额工时")),
    TableSpec("quotas", (
        _PROJECT, _SITE, _column("work_date", "date", "日期 计划日期 date day", required=True),
        _units("units", "目标 目标量 定额 计划量 计划产量 quota target plan", required=True, high=WIDE_LIMIT),
    ), ("quota", "定额", "目标", "计划", "targets")),
    TableSpec("notes", (
        _key("note_id", "note 记事id 备注id 编号 id", required=True), _SITE,
        _key("project_id", "project 项目 项目编号 项目id"), _column("from_date", "date", "日期 开始日期 date start_date 起始日期",
            required=True),
        _column("to_date", "date", "结束日期 end_date 截止日期"),
        _column("kind", "term", "类型 类别 事件类型 note_type category", required=True, meanings=NOTE_WORDS),
        _column("text", "text", "说明 内容 备注 描述 description comment message", required=True),
        _column("text_en", "text", "英文说明 description_en english_text"),
    ), ("note", "记事", "大事记", "事件", "events")),
)})  # fmt: skip


def table(name: str) -> TableSpec:
    """The spec of a canonical table. Raises NameUnknown with the nearest name."""
    if name not in TABLES:
        raise NameUnknown("table", name, TABLES, "表")
    return TABLES[name]


# Why a row is refused ---------------------------------------------------------------------------------------------------
# {column} and {value} come from the reject; {allowed}, {low}, {high} from the column's spec.
REJECT_CODES: Mapping[str, tuple[str, str]] = MappingProxyType({
    "fields_few": ("The row has {value} fields, fewer than the header.", "该行只有 {value} 个字段，少于表头。"),
    "fields_many": ("The row has {value} fields, more than the header.", "该行有 {value} 个字段，多于表头。"),
    "quote": ("A quotation mark in the row is not closed, or text follows where it closes.", "该行引号没有闭合，或闭合后还有文字。"),
    "bytes": ("The row holds bytes that are not text in the encoding of the file.", "该行含有按文件编码无法读出的字节。"),
    "json": ("The line is not a JSON object.", "该行不是 JSON 对象。"),
    "missing": ("{column} is empty and has to be given.", "{column} 为空，必须填写。"),
    "nested": ("{column} holds a list or an object where one plain value belongs.", "{column} 应为单个值，却是列表或对象。"),
    "number": ("{column} “{value}” is not a number.", "{column}“{value}”不是数字。"),
    "decimal": (
        "{column} “{value}” can be read with a decimal comma or with thousands: set “decimal” in a mapping.",
        "{column}“{value}”中的逗号可作小数点也可作千分位：请在映射中设定 “decimal”。",
    ),
    "not_finite": ("{column} “{value}” is not a finite number.", "{column}“{value}”不是有限的数。"),
    "range": ("{column} “{value}” is outside {low} … {high}.", "{column}“{value}”超出 {low} … {high}。"),
    "integer": ("{column} “{value}” is not a whole number.", "{column}“{value}”不是整数。"),
    "duration": ("{column} “{value}” is not a length of time.", "{column}“{value}”不是时长。"),
    "instant": ("{column} “{value}” is not a date and time (1900–2199).", "{column}“{value}”不是日期时间（1900–2199）。"),
    "date": ("{column} “{value}” is not a date (1900–2199).", "{column}“{value}”不是日期（1900–2199）。"),
    "date_order": (
        "{column} “{value}” can be read as day/month or month/day: set “date_order” (dmy or mdy) in a mapping.",
        "{column}“{value}”可读作“日/月”或“月/日”：请在映射中设定 “date_order”（dmy 或 mdy）。",
    ),
    "abbreviation": (
        "{column} “{value}” names a time zone that stands for several: write an offset such as +08:00.",
        "{column}“{value}”的时区缩写有多种含义：请写成 +08:00 这样的偏移。",
    ),
    "month": ("{column} “{value}” is not a month such as 2026-03.", "{column}“{value}”不是月份（如 2026-03）。"),
    "time": ("{column} “{value}” is not a time of day such as 06:00.", "{column}“{value}”不是一天中的时刻（如 06:00）。"),
    "zone": ("{column} “{value}” is not a time zone such as Asia/Shanghai.", "{column}“{value}”不是时区名（如 Asia/Shanghai）。"),
    "currency": ("{column} “{value}” is not a three-letter currency code.", "{column}“{value}”不是三个字母的货币代码。"),
    "choice": ("{column} “{value}” is none of {allowed}.", "{column}“{value}”不在 {allowed} 之中。"),
    "flag": ("{column} “{value}” is neither yes nor no.", "{column}“{value}”既不是“是”也不是“否”。"),
    "leave_before_hire": ("{column} {value} lies before hire_date.", "{column} {value} 早于入职日期。"),
    "leave_without_hire": ("{column} {value} has no hire_date: a spell of employment needs its beginning.", "{column} {value} 没有入职日期：一段在职需要起始日。"),
    "other_currency": ("The store keeps its money in another currency than {value}: convert the file first.", "数据中的金额币种与 {value} 不同：请先换算再导入。"),
    "interval": ("{column} lies too far from ts to be one piece of work.", "{column} 与 ts 相隔太久，不可能是一次作业。"),
})  # fmt: skip


def reason(code: str, table_name: str | None = None, column: str | None = None, value: str | None = None) -> tuple[str, str]:
    """The sentence for a reject, in English and Chinese. Raises NameUnknown for a code that is not in REJECT_CODES.

    >>> reason("choice", "reviews", "verdict", "maybe")[0]
    'verdict “maybe” is none of accept, fix, reject.'
    """
    if code not in REJECT_CODES:
        raise NameUnknown("reject code", code, REJECT_CODES, "拒收代码")
    spec = (
        next((known for known in TABLES[table_name].columns if known.name == column), None)
        if table_name is not None and table_name in TABLES
        else None
    )
    words = {
        "column": column or "?", "value": "" if value is None else value, "allowed": ", ".join(spec.choices) if spec else "",
        "low": "−∞" if spec is None or spec.low is None else f"{spec.low:,}", "high": f"{spec.high:,}" if spec else "∞",
    }  # fmt: skip
    english, chinese = REJECT_CODES[code]
    return english.format_map(words), chinese.format_map(words)
